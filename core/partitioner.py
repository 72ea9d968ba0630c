"""Partition of a record's key, the same for forwarders, Flink's sinks and readers of one key."""

from functools import lru_cache
from typing import Any

from kafka.partitioner import Partitioner, murmur2

_hash = lru_cache(maxsize=1 << 16)(murmur2)  # pure Python in kafka-python


def partition_of(key: bytes, partitions: int) -> int:
    """Index of the key's partition among so many, by Kafka's default partitioner (murmur2 of the key)."""
    hashed: int = _hash(key)
    return (hashed & 0x7FFFFFFF) % partitions


class KeyPartitioner(Partitioner):  # type: ignore[misc]
    """`partition_of` for kafka-python's producer."""

    def partition(
        self, topic: str, key: Any, serialized_key: bytes, value: Any, serialized_value: bytes, cluster: Any
    ) -> int:
        """Index of the key's partition, from the topic's current number of partitions."""
        return partition_of(serialized_key, len(cluster.partitions_for_topic(topic)))
