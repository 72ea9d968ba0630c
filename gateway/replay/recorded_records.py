"""Raw records of one book within a span, from a folder of `depthflow record`."""

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

from core.topics import RAW_BOOKS, RAW_TRADES
from gateway.replay.request import LATE_MS, ReplayRequest, ReplayUnavailable, Timed
from ingestion.archive.layout import ArchiveFile, find_files

BATCH_ROWS = 2_048


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
