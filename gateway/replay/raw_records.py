"""Raw records of one book within a span: from the raw topics, or from a folder of `depthflow record`."""

from collections.abc import Iterator
from datetime import datetime, timezone
from heapq import merge
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from kafka import TopicPartition
from kafka.partitioner import murmur2

from core.settings import Settings
from core.topics import RAW_BOOKS, RAW_TRADES
from gateway.replay.request import ReplayRequest, ReplayUnavailable
from ingestion.archive.layout import ArchiveFile, find_files
from ingestion.topics import TopicsError
from reader.topic_admin import open_consumer

POLL_MS = 200
LATE_MS = 5_000  # a frame reaches the broker at most that much after its receipt
BATCH_ROWS = 2_048
Timed = tuple[int, bytes]  # append time at the broker, epoch ms, and the record


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
        partition = TopicPartition(name, (murmur2(key) & 0x7FFFFFFF) % len(numbers))
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


def recorded_values(request: ReplayRequest) -> Iterator[bytes]:
    """Records of the book in a folder of `depthflow record`, by append time. Raises ReplayUnavailable."""
    files = sorted(file for file in find_files(Path(request.recording), request.venue) if _is_wanted(file, request))
    if not files:
        raise ReplayUnavailable(f"the recording has nothing of {request.venue} in the span")
    sources = [list(group) for _, group in groupby(files, attrgetter("source"))]
    for _, value in merge(*(_read_files(each, request) for each in sources), key=itemgetter(0)):
        yield value


def _is_wanted(file: ArchiveFile, request: ReplayRequest) -> bool:
    if not file.source.topic.endswith((RAW_BOOKS.name, RAW_TRADES.name)):
        return False
    hour = next((part[5:] for part in file.path.parts[::-1] if part.startswith("hour=")), None)
    if hour is None:
        return True
    hours = (f"{_utc(time_ms):%Y-%m-%dT%H}" for time_ms in (request.start_ms, request.to_ms + LATE_MS))
    first, last = hours
    return first <= hour <= last


def _read_files(files: list[ArchiveFile], request: ReplayRequest) -> Iterator[Timed]:
    for file in files:
        try:
            with pq.ParquetFile(file.path) as parquet:
                for batch in parquet.iter_batches(BATCH_ROWS, columns=["key", "value", "appended_ms"]):
                    yield from _rows(batch, request)
        except pa.ArrowException as error:
            raise ReplayUnavailable(f"{file.path.name} of the recording is unreadable: {error}") from error


def _rows(batch: Any, request: ReplayRequest) -> Iterator[Timed]:
    times = batch.column("appended_ms")
    inside = pc.and_(
        pc.equal(batch.column("key"), request.key.encode()),
        pc.and_(pc.greater_equal(times, request.start_ms), pc.less_equal(times, request.to_ms + LATE_MS)),
    )
    rows = batch.filter(inside)
    yield from zip(rows.column("appended_ms").to_pylist(), rows.column("value").to_pylist(), strict=True)


def _utc(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, timezone.utc)


def _text(time_ms: int) -> str:
    return f"{_utc(time_ms):%Y-%m-%d %H:%M:%S} UTC"
