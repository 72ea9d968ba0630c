"""What the topics of a broker hold: the read side of `depthflow topics`, and a round trip that proves it works."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import BOOTSTRAP_MS, TopicsError
from market.kafka import address, no_broker, python_client
from market.settings import Settings
from market.topics import MAX_RECORD_BYTES, Topic

HOUR_MS = 3600 * 1000
TRIAL = Topic("depthflow.trial", retention_ms=HOUR_MS)
POLL_MS = 200


@dataclass(frozen=True)
class Extent:
    """One partition: the offsets it still holds, `end` exclusive. Markers of transactions count as offsets."""

    partition: int
    begin: int
    end: int


@dataclass(frozen=True)
class Record:
    """One record as it lies in its topic; `time_ms` is the broker's or the writer's, as the topic has it."""

    partition: int
    offset: int
    time_ms: int
    key: bytes
    value: bytes


@contextmanager
def consumer(settings: Settings, isolation_level: str = "read_uncommitted") -> Iterator[Any]:
    """A consumer that commits nothing. Raises TopicsError when no broker answers or what it is asked for fails."""
    client = python_client(settings)
    try:
        opened = KafkaConsumer(
            **client,
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            enable_auto_commit=False,
            isolation_level=isolation_level,
            max_partition_fetch_bytes=MAX_RECORD_BYTES,
        )
    except KafkaError as error:
        raise TopicsError(no_broker(client, error)) from error
    try:
        yield opened
    except KafkaError as error:
        raise TopicsError(f"the broker at {address(client)} failed: {error}") from error
    finally:
        opened.close()


def extents(reader: Any, topic: str) -> list[Extent]:
    """The partitions of a topic. Raises TopicsError when there is no such topic."""
    numbers = reader.partitions_for_topic(topic) if topic in reader.topics() else None
    if not numbers:
        raise TopicsError(f"no topic {topic}; those there are: depthflow topics list")
    partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
    begins, ends = reader.beginning_offsets(partitions), reader.end_offsets(partitions)
    return [Extent(each.partition, begins[each], ends[each]) for each in partitions]


def tail(reader: Any, topic: str, records: int, follow: bool) -> Iterator[Record]:
    """The newest `records` of each partition, then, when told to follow, what comes after them, without end."""
    held = extents(reader, topic)
    yield from _from(reader, topic, held, [max(each.begin, each.end - records) for each in held], follow)


def read_since(reader: Any, topic: str, since_ms: int | None) -> Iterator[Record]:
    """What is in a topic now, from what was appended at `since_ms` (epoch ms) on; all of it if None."""
    held = extents(reader, topic)
    begins = [each.begin for each in held]
    if since_ms is not None:
        found = reader.offsets_for_times({TopicPartition(topic, each.partition): since_ms for each in held})
        places = [found[TopicPartition(topic, each.partition)] for each in held]
        begins = [each.end if place is None else place.offset for each, place in zip(held, places, strict=True)]
    yield from _from(reader, topic, held, begins, follow=False)


def _from(reader: Any, topic: str, held: list[Extent], begins: list[int], follow: bool) -> Iterator[Record]:
    partitions = {each.partition: TopicPartition(topic, each.partition) for each in held}
    reader.assign(list(partitions.values()))
    for each, begin in zip(held, begins, strict=True):
        reader.seek(partitions[each.partition], begin)
    while follow or any(reader.position(partitions[each.partition]) < each.end for each in held):
        for batch in reader.poll(timeout_ms=POLL_MS).values():
            for found in batch:
                yield Record(found.partition, found.offset, found.timestamp, found.key or b"", found.value or b"")


def round_trip(settings: Settings, records: int, size: int) -> tuple[float, float]:
    """Write `records` of `size` bytes to the trial topic and read them back; seconds for each half.

    Raises DeliveryError or TopicsError; the latter when other bytes come back than were written.
    """
    client = python_client(settings)
    producer = RawProducer.connect(ProducerConfig(settings.kafka_bootstrap_servers, settings.topic_prefix, client))
    topic, start = settings.topic_prefix + TRIAL.name, time.monotonic()
    with consumer(settings) as reader:
        before = sum(each.end for each in extents(reader, topic))
        values = [b"%d " % number + b"x" * size for number in range(records)]
        for value in values:
            producer.write(TRIAL.name, b"trial", value)
        producer.close()
        written = time.monotonic()
        after = sum(each.end for each in extents(reader, topic))
        found = [record.value for record in tail(reader, topic, records, follow=False) if record.key == b"trial"]
    if found[-records:] != values or after - before < records:
        raise TopicsError(f"{topic}: {records} records were acknowledged, and not the same ones came back")
    return written - start, time.monotonic() - written
