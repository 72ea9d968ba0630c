"""Reads offsets and records of topics for `depthflow topics`, and checks a broker by a round trip."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from core.kafka_client import broker_address, connect, no_broker_message, python_client_options
from core.settings import Settings
from core.topics import MAX_RECORD_BYTES, Topic
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import TopicsError

HOUR_MS = 3600 * 1000
TEST_TOPIC = Topic("depthflow.trial", retention_ms=HOUR_MS)
POLL_MS = 200


@dataclass(frozen=True)
class PartitionOffsets:
    """Offsets of one partition, `end` exclusive. Transaction markers occupy offsets as well."""

    partition: int
    begin: int
    end: int


@dataclass(frozen=True)
class TopicRecord:
    """One record of a topic. `time_ms`: append time or the producer's time, by the topic's timestamp type."""

    partition: int
    offset: int
    time_ms: int
    key: bytes
    value: bytes


@contextmanager
def open_consumer(settings: Settings, isolation_level: str = "read_uncommitted") -> Iterator[Any]:
    """A consumer without commits. Raises TopicsError when the broker is unreachable or a request fails."""
    client = python_client_options(settings)
    try:
        consumer = connect(
            KafkaConsumer,
            client,
            enable_auto_commit=False,
            isolation_level=isolation_level,
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
        )
    except (KafkaError, OSError) as error:
        raise TopicsError(no_broker_message(client, error)) from error
    try:
        yield consumer
    except KafkaError as error:
        raise TopicsError(f"a request to the broker at {broker_address(client)} failed: {error}") from error
    finally:
        consumer.close()


def partition_offsets(consumer: Any, topic: str) -> list[PartitionOffsets]:
    """Offsets of every partition of a topic. Raises TopicsError for an unknown topic."""
    if topic not in consumer.topics():
        raise TopicsError(f"unknown topic {topic}; `depthflow topics list` shows the existing ones")
    return _offsets(consumer, [topic])[topic]


def offsets_by_topic(consumer: Any) -> dict[str, list[PartitionOffsets]]:
    """Offsets of every partition of every topic by name, without the broker's internal topics."""
    return _offsets(consumer, sorted(name for name in consumer.topics() if not name.startswith("__")))


def _offsets(consumer: Any, topics: list[str]) -> dict[str, list[PartitionOffsets]]:
    """Offsets of topics whose metadata the consumer has, by two requests for all of them."""
    partitions = [TopicPartition(name, number) for name in topics for number in consumer.partitions_for_topic(name)]
    begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    found: dict[str, list[PartitionOffsets]] = {name: [] for name in topics}
    for each in sorted(partitions):
        found[each.topic].append(PartitionOffsets(each.partition, begins[each], ends[each]))
    return found


def tail(consumer: Any, topic: str, records: int, follow: bool) -> Iterator[TopicRecord]:
    """Yield the newest `records` of each partition; with `follow`, continue with new records without end."""
    offsets = partition_offsets(consumer, topic)
    yield from _read_from(consumer, topic, offsets, [max(each.begin, each.end - records) for each in offsets], follow)


def read_since(consumer: Any, topic: str, since_ms: int | None) -> Iterator[TopicRecord]:
    """Yield records up to the topic's current end, from those appended at `since_ms` (epoch ms); None: all."""
    offsets = partition_offsets(consumer, topic)
    begins = [each.begin for each in offsets]
    if since_ms is not None:
        starts = consumer.offsets_for_times({TopicPartition(topic, each.partition): since_ms for each in offsets})
        found = [starts[TopicPartition(topic, each.partition)] for each in offsets]
        begins = [each.end if start is None else start.offset for each, start in zip(offsets, found, strict=True)]
    yield from _read_from(consumer, topic, offsets, begins, follow=False)


def _read_from(
    consumer: Any, topic: str, offsets: list[PartitionOffsets], begins: list[int], follow: bool
) -> Iterator[TopicRecord]:
    partitions = {each.partition: TopicPartition(topic, each.partition) for each in offsets}
    consumer.assign(list(partitions.values()))
    for each, begin in zip(offsets, begins, strict=True):
        consumer.seek(partitions[each.partition], begin)
    while follow or any(consumer.position(partitions[each.partition]) < each.end for each in offsets):
        for batch in consumer.poll(timeout_ms=POLL_MS).values():
            for record in batch:
                key, value = record.key or b"", record.value or b""
                yield TopicRecord(record.partition, record.offset, record.timestamp, key, value)


def round_trip(settings: Settings, records: int, size: int) -> tuple[float, float]:
    """Write `records` of `size` bytes to TEST_TOPIC and read them back; returns the seconds of both.

    Raises DeliveryError, or TopicsError when the bytes read differ from those written.
    """
    client = python_client_options(settings)
    producer = RawProducer.connect(ProducerConfig(settings.kafka_bootstrap_servers, settings.topic_prefix, client))
    topic, start = settings.topic_prefix + TEST_TOPIC.name, time.monotonic()
    with open_consumer(settings) as consumer:
        end_before = sum(each.end for each in partition_offsets(consumer, topic))
        values = [b"%d " % number + b"x" * size for number in range(records)]
        for value in values:
            producer.write(TEST_TOPIC.name, b"trial", value)
        producer.close()
        written = time.monotonic()
        end_after = sum(each.end for each in partition_offsets(consumer, topic))
        read = [record.value for record in tail(consumer, topic, records, follow=False) if record.key == b"trial"]
    if read[-records:] != values or end_after - end_before < records:
        raise TopicsError(f"{topic}: {records} records were acknowledged, but reading returned different ones")
    return written - start, time.monotonic() - written
