"""Consumer of the topics that the demo shows."""

from collections.abc import Generator
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from msgspec.json import decode

from core.kafka_client import python_client_options
from core.records import Alert, Processed
from core.settings import Settings
from core.topics import ALERTS, OPTION_CHAINS, PROCESSED
from market.options.records import ChainRecord

POLL_MS = 250


@dataclass(frozen=True)
class DemoRecords:
    """Records of one poll, by topic."""

    processed: list[Processed]
    chains: list[ChainRecord]
    alerts: list[Alert]


def poll_records(settings: Settings) -> Generator[DemoRecords, None, None]:
    """Records that are published from now on, polled a few times a second, without an end."""
    consumer = KafkaConsumer(**python_client_options(settings), enable_auto_commit=False)
    try:
        processed, chains, alerts = names = [
            settings.topic_prefix + topic.name for topic in (PROCESSED, OPTION_CHAINS, ALERTS)
        ]
        consumer.assign(
            [TopicPartition(name, number) for name in names for number in consumer.partitions_for_topic(name)]
        )
        consumer.seek_to_end()
        while True:
            values: dict[str, list[bytes]] = {name: [] for name in names}
            for partition, batch in consumer.poll(timeout_ms=POLL_MS, max_records=5000).items():
                values[partition.topic] += [record.value for record in batch]
            yield DemoRecords(
                [decode(value, type=Processed) for value in values[processed]],
                [decode(value, type=ChainRecord) for value in values[chains]],
                [decode(value, type=Alert) for value in values[alerts]],
            )
    finally:
        consumer.close()
