"""State of the local broker, read by kafka-python's clients."""

import logging
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from core.kafka_client import RESPONDS_WITHIN_MS
from stack.services.settings import LOOPBACK, StackSettings


@dataclass(frozen=True)
class TopicSize:
    """Size of one topic. `records` counts the offsets from the first retained one, markers of transactions included."""

    name: str
    partitions: int
    records: int
    bytes: int


def responds(settings: StackSettings) -> bool:
    """True if the broker answers a metadata request. Raises OSError at once while its port is closed."""
    socket.create_connection((LOOPBACK, settings.kafka_port), timeout=1).close()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # refused connections are expected while the broker starts
    with _admin(settings) as admin:
        return bool(admin.describe_cluster()["brokers"])


def topic_sizes(settings: StackSettings) -> list[TopicSize]:
    """Every topic except the broker's internal ones, by name."""
    with _admin(settings) as admin:
        sizes: dict[str, list[int]] = defaultdict(list)
        for topic in admin.describe_log_dirs()[0]["log_dirs"][0]["topics"]:
            sizes[topic["name"]] += [partition["partition_size"] for partition in topic["partitions"]]
    names = sorted(name for name in sizes if not name.startswith("__"))
    records = _records(settings, {name: len(sizes[name]) for name in names})
    return [TopicSize(name, len(sizes[name]), records[name], sum(sizes[name])) for name in names]


def _records(settings: StackSettings, partitions: dict[str, int]) -> dict[str, int]:
    all_partitions = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    try:
        first, last = consumer.beginning_offsets(all_partitions), consumer.end_offsets(all_partitions)
    finally:
        consumer.close()
    counts: dict[str, int] = defaultdict(int)
    for partition in all_partitions:
        counts[partition.topic] += last[partition] - first[partition]
    return counts


@contextmanager
def _admin(settings: StackSettings) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap,
        bootstrap_timeout_ms=RESPONDS_WITHIN_MS,
        request_timeout_ms=RESPONDS_WITHIN_MS,
    )
    try:
        yield admin
    finally:
        admin.close()
