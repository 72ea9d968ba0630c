"""Sources of rows: a topic, the database, or an archive of topics; each yields records as on the topic."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from core.envelope import DECODE_ERRORS
from core.settings import Settings
from ingestion.archive.layout import find_files
from reader.database import connect
from reader.datasets import Dataset, RowFilter
from reader.errors import ReaderError
from reader.topic_admin import open_consumer, read_since

CLOCK_TOLERANCE_MS = 5 * 60 * 1000  # maximum by which a venue's clock is ahead of the broker's
FETCH_ROWS = 10_000

# Fields whose column in the database has another name or type.
_EXPRESSIONS = {
    "recv_us": "NULL",
    "flags": "COALESCE(string_to_array(NULLIF(flags, ''), ','), '{}')",
    "window_start": "(extract(epoch FROM window_start) * 1000)::bigint",
    "window_end": "(extract(epoch FROM window_start + size::interval) * 1000)::bigint",
}


def topic_rows(dataset: Dataset, row_filter: RowFilter, settings: Settings) -> Iterator[Any]:
    """Committed records of the topic up to its current end, from those appended around the filter's start."""
    since_ms = None if row_filter.start_ms is None else max(0, row_filter.start_ms - CLOCK_TOLERANCE_MS)
    with open_consumer(settings, isolation_level="read_committed") as consumer:
        records = read_since(consumer, settings.topic_prefix + dataset.topic, since_ms)
        yield from _matching_records(((record.key, record.value) for record in records), dataset, row_filter)


def archive_rows(dataset: Dataset, row_filter: RowFilter, root: Path) -> Iterator[Any]:
    """Records of the topic that `depthflow record --topics` archived."""
    files = [file for file in sorted(find_files(root)) if file.source.topic == dataset.topic]
    if not files:
        raise ReaderError(
            f"{root} contains no records of {dataset.topic}; archive them with "
            f"`depthflow record {root} --topics {dataset.topic}`"
        )
    for file in files:
        try:
            with pq.ParquetFile(file.path) as parquet:
                for batch in parquet.iter_batches(FETCH_ROWS, columns=["key", "value"]):
                    records = zip(*(batch.column(name).to_pylist() for name in ("key", "value")), strict=True)
                    yield from _matching_records(records, dataset, row_filter)
        except pa.ArrowException as error:
            raise ReaderError(f"{file.path}: unreadable Parquet file: {error}") from error


def database_rows(dataset: Dataset, row_filter: RowFilter, settings: Settings) -> Iterator[Any]:
    """Rows of the table, as records; fetched FETCH_ROWS at a time. Raises ReaderError for a dataset without a table."""
    if dataset.table is None:
        raise ReaderError(
            f"the database has no records of {dataset.topic}; read them from 'topic', or from the folder of a "
            f"`depthflow record --topics {dataset.topic}`"
        )
    with connect(settings) as connection, connection.cursor("rows") as cursor:
        cursor.itersize = FETCH_ROWS
        cursor.execute(_query(dataset, dataset.table), _arguments(row_filter))
        yield from (dataset.record(**row) for row in cursor)


def _matching_records(
    records: Iterable[tuple[bytes | None, bytes | None]], dataset: Dataset, row_filter: RowFilter
) -> Iterator[Any]:
    decode = msgspec.json.Decoder(dataset.record).decode
    for key, value in records:
        venue, _, symbol = (key or b"").decode(errors="replace").partition(":")
        if not row_filter.matches_book(venue, symbol):
            continue
        try:
            row = decode(value or b"")
        except DECODE_ERRORS:
            continue  # not a record of our jobs
        if row_filter.matches(row, getattr(row, dataset.time)):
            yield row


def _query(dataset: Dataset, table: str) -> sql.Composed:
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
        table=sql.Identifier(table),
        time=sql.SQL(time),
        index=sql.Identifier(index),
        sized=sql.SQL("AND (%(size)s::text IS NULL OR size = %(size)s)" if "size" in dataset.fields else ""),
    )


def _expression(name: str) -> sql.Composable:
    return sql.SQL(_EXPRESSIONS[name]) if name in _EXPRESSIONS else sql.Identifier(name)


def _arguments(row_filter: RowFilter) -> dict[str, Any]:
    latest_ms = 253_402_300_799_000  # end of the year 9999
    return {
        "books": None if row_filter.books is None else list(row_filter.books),
        "start": 0 if row_filter.start_ms is None else row_filter.start_ms,
        "end": latest_ms if row_filter.end_ms is None else row_filter.end_ms,
        "size": row_filter.size,
    }
