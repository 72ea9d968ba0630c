"""What comes on the topics that the demo shows."""

from collections.abc import Iterator
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from msgspec.json import decode

from market.options.records import ChainRecord
from market.records import Alert, Processed
from market.settings import Settings
from market.topics import ALERTS, OPTION_CHAINS, PROCESSED

POLL_MS = 250


@dataclass(frozen=True)
class News:
    """What came since the last time."""

    processed: list[Processed]
    chains: list[ChainRecord]
    alerts: list[Alert]


def news(bootstrap_servers: str) -> Iterator[News]:
    """What comes from now on, a few times a second, without an end."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    try:
        prefix = Settings().topic_prefix
        processed, chains, alerts = names = [prefix + topic.name for topic in (PROCESSED, OPTION_CHAINS, ALERTS)]
        consumer.assign(
            [TopicPartition(name, place) for name in names for place in consumer.partitions_for_topic(name)]
        )
        consumer.seek_to_end()
        while True:
            came: dict[str, list[bytes]] = {name: [] for name in names}
            for partition, batch in consumer.poll(timeout_ms=POLL_MS, max_records=5000).items():
                came[partition.topic] += [record.value for record in batch]
            yield News(
                [decode(value, type=Processed) for value in came[processed]],
                [decode(value, type=ChainRecord) for value in came[chains]],
                [decode(value, type=Alert) for value in came[alerts]],
            )
    finally:
        consumer.close()
