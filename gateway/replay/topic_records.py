"""Raw records of one book within a span, from the raw topics."""

from collections.abc import Iterator
from datetime import datetime, timezone
from heapq import merge
from operator import itemgetter
from typing import Any

from kafka import TopicPartition

from core.partitioner import partition_of
from core.settings import Settings
from core.topics import RAW_BOOKS, RAW_TRADES
from gateway.replay.request import LATE_MS, ReplayRequest, ReplayUnavailable, Timed
from ingestion.topics import TopicsError
from reader.topic_admin import open_consumer

POLL_MS = 200


def topic_values(request: ReplayRequest, settings: Settings) -> Iterator[bytes]:
    """Records of the book's partitions, books and trades by append time. Raises ReplayUnavailable."""
    books = _read_topic(request, settings, RAW_BOOKS.name, needed=True)
    trades = _read_topic(request, settings, RAW_TRADES.name, needed=False)
    try:
        for _, value in merge(books, trades, key=itemgetter(0)):
            yield value
    except TopicsError as error:
        raise ReplayUnavailable(str(error)) from error


def _read_topic(request: ReplayRequest, settings: Settings, topic: str, needed: bool) -> Iterator[Timed]:
    key, name = request.key.encode(), settings.topic_prefix + topic
    with open_consumer(settings) as consumer:
        numbers = consumer.partitions_for_topic(name) if name in consumer.topics() else None
        if not numbers:
            if needed:
                raise ReplayUnavailable(f"there is no topic {name}")
            return
        partition = TopicPartition(name, partition_of(key, len(numbers)))
        start = _start(consumer, partition, request, needed)
        if start is None:
            return
        end = consumer.end_offsets([partition])[partition]
        consumer.assign([partition])
        consumer.seek(partition, start)
        while consumer.position(partition) < end:
            for record in consumer.poll(timeout_ms=POLL_MS).get(partition, ()):
                if record.timestamp > request.to_ms + LATE_MS:
                    return
                if record.key == key and record.value is not None:
                    yield record.timestamp, record.value


def _start(consumer: Any, partition: TopicPartition, request: ReplayRequest, needed: bool) -> int | None:
    """The first offset to read. Raises ReplayUnavailable where the topic begins after the span's begin."""
    found = consumer.offsets_for_times({partition: request.start_ms})[partition]
    first = consumer.beginning_offsets([partition])[partition]
    if needed and found is not None and found.offset == first > 0 and found.timestamp > request.from_ms:
        raise ReplayUnavailable(
            f"{partition.topic} no longer reaches back to the span: it begins at {_text(found.timestamp)}"
        )
    return None if found is None else int(found.offset)


def _text(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
