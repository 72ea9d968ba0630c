"""What can be read, and what is wanted of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, get_type_hints

import msgspec
import pyarrow as pa

from market import topics
from market.errors import UserError
from market.records import Processed

SIZES = ("1s", "10s", "1m")
_ARROW = {int: pa.int64(), str: pa.string(), list[str]: pa.list_(pa.string())}  # anything else is a double
_TIMES = {
    "event_time": ("event_time", pa.timestamp("ms", "UTC")),
    "recv_us": ("recv_time", pa.timestamp("us", "UTC")),
    "window_start": ("window_start", pa.timestamp("ms", "UTC")),
    "window_end": ("window_end", pa.timestamp("ms", "UTC")),
}
_MEASURES = """
imbalance_open imbalance_high imbalance_low imbalance_close imbalance_mean imbalance_twa weighted_imbalance_open
weighted_imbalance_high weighted_imbalance_low weighted_imbalance_close weighted_imbalance_mean spread_twa
spread_bps_mean bid_depth_mean ask_depth_mean ofi_sum microprice_last out_of_sync
""".split()
Window = msgspec.defstruct(
    "Window",
    [(name, str) for name in ("venue", "symbol", "size")]
    + [(name, int) for name in ("window_start", "window_end", "updates")]
    + [(name, float | None, None) for name in _MEASURES],
)


class ReaderError(UserError):
    """What was asked for cannot be read; the text says what to give instead."""


@dataclass(frozen=True)
class Dataset:
    """One kind of record, where it lies, and the name of its time (epoch ms)."""

    record: type[Any]
    topic: str
    table: str
    time: str

    @property
    def fields(self) -> dict[str, tuple[str, Any]]:
        """Column and its type by the name in the record."""
        kinds = get_type_hints(self.record)
        return {name: _TIMES.get(name, (name, _ARROW.get(kind, pa.float64()))) for name, kind in kinds.items()}

    @property
    def schema(self) -> Any:
        """Columns of the table."""
        return pa.schema(list(self.fields.values()))


PROCESSED = Dataset(Processed, topics.PROCESSED.name, "orderbook_metrics", "event_time")
WINDOWS = Dataset(Window, topics.WINDOWS.name, "orderbook_windows", "window_start")


@dataclass(frozen=True)
class Wanted:
    """Which rows: of these books (`venue:symbol`, or a symbol at any venue), from `start_ms` to before `end_ms`."""

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
    ) -> "Wanted":
        """Raises ReaderError for a time without a zone, times in the wrong order, and an unknown size."""
        start_ms, end_ms = _epoch_ms("start", start), _epoch_ms("end", end)
        if start_ms is not None and end_ms is not None and start_ms >= end_ms:
            raise ReaderError(f"start={start} is not before end={end}")
        if size not in (None, *SIZES):
            raise ReaderError(f"size={size!r}: there are {', '.join(SIZES)}")
        books = (symbols,) if isinstance(symbols, str) else symbols
        return cls(None if books is None else frozenset(books), start_ms, end_ms, size)

    def takes(self, venue: str, symbol: str) -> bool:
        """Whether rows of this book are wanted."""
        return self.books is None or symbol in self.books or f"{venue}:{symbol}" in self.books

    def takes_row(self, row: Any, at_ms: int) -> bool:
        """Whether this record of a wanted book, with that time, is wanted."""
        begun = self.start_ms is None or at_ms >= self.start_ms
        sized = self.size is None or row.size == self.size
        return begun and sized and (self.end_ms is None or at_ms < self.end_ms)


def _epoch_ms(name: str, time: datetime | str | None) -> int | None:
    if time is None:
        return None
    try:
        at = datetime.fromisoformat(time.replace("Z", "+00:00")) if isinstance(time, str) else time
    except ValueError:
        raise ReaderError(f"{name}={time!r}: expected a time such as 2026-01-01T12:00:00Z") from None
    if at.tzinfo is None:
        raise ReaderError(f"{name}={time} has no time zone: 2026-01-01T12:00:00Z has, datetime(…, tzinfo=UTC) too")
    return round(at.astimezone(timezone.utc).timestamp() * 1000)
