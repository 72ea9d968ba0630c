"""Datasets that can be read, and filters of their rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa

from core import topics
from core.records import Processed
from market.orderbook.tick_records import BookTick, TradeTick, Window
from reader.errors import ReaderError

SIZES = ("1s", "10s", "1m")
_ARROW = {int: pa.int64(), str: pa.string(), bool: pa.bool_(), list[str]: pa.list_(pa.string())}
_TIMES = {
    "recv_us": ("recv_time", pa.timestamp("us", "UTC")),
    **{
        name: (name, pa.timestamp("ms", "UTC")) for name in ("event_time", "start", "end", "window_start", "window_end")
    },
}


@dataclass(frozen=True)
class Dataset:
    """One kind of record: its type, topic, table, and the field of its time (epoch ms).

    `table`: None without one in the database. `left_out`: fields that are no columns.
    """

    record: type[Any]
    topic: str
    table: str | None
    time: str
    left_out: frozenset[str] = frozenset()

    @property
    def fields(self) -> dict[str, tuple[str, Any]]:
        """Name and type of the column, by field of the record."""
        kinds = get_type_hints(self.record).items()
        return {name: _TIMES.get(name, (name, _arrow_type(kind))) for name, kind in kinds if name not in self.left_out}

    @property
    def schema(self) -> Any:
        """Arrow schema of the table."""
        return pa.schema(list(self.fields.values()))


PROCESSED = Dataset(Processed, topics.PROCESSED.name, "orderbook_metrics", "event_time")
WINDOWS = Dataset(
    Window, topics.WINDOWS.name, "orderbook_windows", "window_start", left_out=frozenset(("late", "last"))
)
TICKS = {
    "book": Dataset(BookTick, topics.TICKS.name, None, "start"),
    "trade": Dataset(TradeTick, topics.TICKS.name, None, "start"),
}


@dataclass(frozen=True)
class RowFilter:
    """Rows of these books (`venue:symbol`, or a symbol at any venue) with `start_ms <= time < end_ms`, epoch ms."""

    books: frozenset[str] | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    size: str | None = None

    @classmethod
    def of(
        cls,
        symbols: str | Iterable[str] | None,
        start: datetime | str | None,
        end: datetime | str | None,
        size: str | None = None,
    ) -> "RowFilter":
        """Filter of these arguments. Raises ReaderError for a time without zone, start >= end, and an unknown size."""
        start_ms, end_ms = _epoch_ms("start", start), _epoch_ms("end", end)
        if start_ms is not None and end_ms is not None and start_ms >= end_ms:
            raise ReaderError(f"start={start} is not before end={end}")
        if size not in (None, *SIZES):
            raise ReaderError(f"unknown size {size!r}; expected one of {', '.join(SIZES)}")
        books = (symbols,) if isinstance(symbols, str) else symbols
        return cls(None if books is None else frozenset(books), start_ms, end_ms, size)

    def matches_book(self, venue: str, symbol: str) -> bool:
        """True when the filter includes this book."""
        return self.books is None or symbol in self.books or f"{venue}:{symbol}" in self.books

    def matches(self, row: Any, at_ms: int) -> bool:
        """True when the filter includes this row of an included book; `at_ms`: time of the row."""
        started = self.start_ms is None or at_ms >= self.start_ms
        right_size = self.size is None or row.size == self.size
        return started and right_size and (self.end_ms is None or at_ms < self.end_ms)


def _arrow_type(kind: Any) -> Any:
    """Arrow type of a field; None is null."""
    if get_origin(kind) is Literal:
        return pa.string()
    if get_origin(kind) is UnionType:
        (kind,) = set(get_args(kind)) - {NoneType}
    return _ARROW.get(kind, pa.float64())


def _epoch_ms(name: str, time: datetime | str | None) -> int | None:
    if time is None:
        return None
    try:
        at = datetime.fromisoformat(time.replace("Z", "+00:00")) if isinstance(time, str) else time
    except ValueError:
        raise ReaderError(f"{name}={time!r}: expected a time such as 2026-01-01T12:00:00Z") from None
    if at.tzinfo is None:
        raise ReaderError(f"{name}={time} has no time zone; write 2026-01-01T12:00:00Z or datetime(…, tzinfo=UTC)")
    return round(at.astimezone(timezone.utc).timestamp() * 1000)
