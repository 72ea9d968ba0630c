"""What the local broker says of itself, by kafka-python's admin client."""

import logging
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from stack.settings import LOOPBACK, StackSettings


@dataclass(frozen=True)
class TopicSize:
    """One topic. `records` counts the offsets still held, the markers of transactions among them."""

    name: str
    partitions: int
    records: int
    bytes: int


def answers(settings: StackSettings) -> bool:
    """The broker answers a metadata request. Before its port is open this raises OSError, and costs next to nothing."""
    socket.create_connection((LOOPBACK, settings.kafka_port), timeout=1).close()
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # a refused connection is what one waits out here
    with _admin(settings) as admin:
        return bool(admin.describe_cluster()["brokers"])


def topic_sizes(settings: StackSettings) -> list[TopicSize]:
    """Every topic but the broker's own, by name."""
    with _admin(settings) as admin:
        sizes: dict[str, list[int]] = defaultdict(list)
        for topic in admin.describe_log_dirs()[0]["log_dirs"][0]["topics"]:
            sizes[topic["name"]] += [partition["partition_size"] for partition in topic["partitions"]]
    names = sorted(name for name in sizes if not name.startswith("__"))
    records = _records(settings, {name: len(sizes[name]) for name in names})
    return [TopicSize(name, len(sizes[name]), records[name], sum(sizes[name])) for name in names]


def _records(settings: StackSettings, partitions: dict[str, int]) -> dict[str, int]:
    every = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka_bootstrap)
    try:
        first, last = consumer.beginning_offsets(every), consumer.end_offsets(every)
    finally:
        consumer.close()
    counts: dict[str, int] = defaultdict(int)
    for partition in every:
        counts[partition.topic] += last[partition] - first[partition]
    return counts


@contextmanager
def _admin(settings: StackSettings) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap, bootstrap_timeout_ms=1000, request_timeout_ms=5000
    )
    try:
        yield admin
    finally:
        admin.close()
