"""Keys get the partitions of Kafka's default partitioner."""

import pytest
from kafka.partitioner import DefaultPartitioner

from core.partitioner import KeyPartitioner


class FakeCluster:
    def topics(self) -> set[str]:
        return {"t"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(7))

    available_partitions_for_topic = partitions_for_topic


@pytest.mark.parametrize("key", [b"binance:ETHUSDT", b"kraken:BTC/USD", b"deribit:BTC-PERPETUAL", b"a", b""])
def test_keys_get_the_partition_of_the_default_partitioner(key: bytes) -> None:
    expected = DefaultPartitioner().partition("t", None, key, None, b"", FakeCluster())
    assert KeyPartitioner().partition("t", None, key, None, b"", FakeCluster()) == expected
