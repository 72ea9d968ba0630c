"""Where rows come from: a topic, the database, a recording of topics. Each gives records as they are on the topic."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from ingestion.archive.layout import find_files
from ingestion.topic_admin import consumer, read_since
from market.settings import Settings
from reader.database import connection
from reader.datasets import Dataset, ReaderError, Wanted

AHEAD_MS = 5 * 60 * 1000  # how far a venue's clock may be ahead of the broker's
FETCHED_ROWS = 10_000

# Where a column of the database is not named and typed as the record's field is.
_EXPRESSIONS = {
    "recv_us": "NULL",
    "flags": "COALESCE(string_to_array(NULLIF(flags, ''), ','), '{}')",
    "window_start": "(extract(epoch FROM window_start) * 1000)::bigint",
    "window_end": "(extract(epoch FROM window_start + size::interval) * 1000)::bigint",
}


def topic_rows(dataset: Dataset, wanted: Wanted, settings: Settings) -> Iterator[Any]:
    """What the topic holds now and was committed; a record appended before the start is not looked at."""
    since_ms = None if wanted.start_ms is None else max(0, wanted.start_ms - AHEAD_MS)
    with consumer(settings, isolation_level="read_committed") as reader:
        records = read_since(reader, settings.topic_prefix + dataset.topic, since_ms)
        yield from _wanted(((record.key, record.value) for record in records), dataset, wanted)


def archive_rows(dataset: Dataset, wanted: Wanted, root: Path) -> Iterator[Any]:
    """What `depthflow record --topics` wrote of the topic."""
    files = [file for file in sorted(find_files(root)) if file.stream.topic == dataset.topic]
    if not files:
        raise ReaderError(
            f"{root} has no {dataset.topic}: `depthflow record {root} --topics {dataset.topic}` writes it"
        )
    for file in files:
        try:
            with pq.ParquetFile(file.path) as parquet:
                for batch in parquet.iter_batches(FETCHED_ROWS, columns=["key", "value"]):
                    records = zip(*(batch.column(name).to_pylist() for name in ("key", "value")), strict=True)
                    yield from _wanted(records, dataset, wanted)
        except pa.ArrowException as error:
            raise ReaderError(f"{file.path}: not a Parquet file that can be read: {error}") from error


def database_rows(dataset: Dataset, wanted: Wanted, settings: Settings) -> Iterator[Any]:
    """Rows of the table, as records."""
    with connection(settings) as opened, opened.cursor("rows") as cursor:
        cursor.itersize = FETCHED_ROWS
        cursor.execute(_query(dataset), _arguments(wanted))
        yield from (dataset.record(**row) for row in cursor)


def _wanted(records: Iterable[tuple[bytes | None, bytes | None]], dataset: Dataset, wanted: Wanted) -> Iterator[Any]:
    decode = msgspec.json.Decoder(dataset.record).decode
    for key, value in records:
        venue, _, symbol = (key or b"").decode(errors="replace").partition(":")
        if not wanted.takes(venue, symbol):
            continue
        try:
            row = decode(value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # no record of this topic: the analytics job sends it to `deadletter`
        if wanted.takes_row(row, getattr(row, dataset.time)):
            yield row


def _query(dataset: Dataset) -> sql.Composed:
    columns = [sql.SQL("{} AS {}").format(_expression(name), sql.Identifier(name)) for name in dataset.fields]
    time = "event_time" if dataset.time == "event_time" else _EXPRESSIONS[dataset.time]
    index = "ts" if dataset.time == "event_time" else dataset.time
    return sql.SQL(
        "SELECT {columns} FROM {table} WHERE (%(books)s::text[] IS NULL OR symbol = ANY (%(books)s::text[]) "
        "OR venue || ':' || symbol = ANY (%(books)s::text[])) "
        "AND ({time} >= %(start)s AND {index} > to_timestamp(%(start)s / 1000.0) - INTERVAL '1 second') "
        "AND ({time} < %(end)s AND {index} <= to_timestamp(%(end)s / 1000.0)) {sized}"
    ).format(
        columns=sql.SQL(", ").join(columns),
        table=sql.Identifier(dataset.table),
        time=sql.SQL(time),
        index=sql.Identifier(index),
        sized=sql.SQL("AND (%(size)s::text IS NULL OR size = %(size)s)" if "size" in dataset.fields else ""),
    )


def _expression(name: str) -> sql.Composable:
    return sql.SQL(_EXPRESSIONS[name]) if name in _EXPRESSIONS else sql.Identifier(name)


def _arguments(wanted: Wanted) -> dict[str, Any]:
    latest_ms = 253_402_300_799_000  # the end of the year 9999
    return {
        "books": None if wanted.books is None else list(wanted.books),
        "start": 0 if wanted.start_ms is None else wanted.start_ms,
        "end": latest_ms if wanted.end_ms is None else wanted.end_ms,
        "size": wanted.size,
    }
