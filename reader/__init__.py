"""Public API: metrics, windows and ticks as pandas.DataFrame or pyarrow.Table.

    import reader
    reader.processed("topic", symbols="BTCUSDT", start="2026-01-01T12:00Z")     # a pandas.DataFrame
    reader.windows("database", symbols=["BTC/USD", "ETH/USD"], size="1m", form="arrow")
    reader.ticks("topic", symbols="BTCUSDT", kind="trade")
    reader.ring().book("venue:BTCUSDT").bids                                    # (levels, 2), in shared memory

`ring`: newest books, trades and ticks of a running `depthflow ring` on this machine. The other functions return tables:
`processed` (one row per book update: topic `orderbook.processed`, table `orderbook_metrics`), `windows` (one row per
symbol, window size and window start: topic `orderbook.windows`, table `orderbook_windows`) and `ticks` (one row per
100 ms of a book or of its trades: topic `orderbook.ticks`, no table).

Arguments of the tables:
    source      "topic" (settings KAFKA_BOOTSTRAP_SERVERS, TOPIC_PREFIX, KAFKA_…; committed records only), "database"
                (POSTGRES_DSN), or the folder of a `depthflow record --topics orderbook.processed,orderbook.windows`
    symbols     "BTCUSDT" (at any venue), "venue:BTCUSDT" (at one), a list of either, or None for all
    start, end  aware datetime or ISO text with a zone; start is inclusive, end exclusive; None: unbounded
    form        "pandas" or "arrow"
    settings    `core.settings.Settings`; None: from the environment and `.env`

Rows are ordered by time, venue and symbol; records of one book and time stay in the order of their source. An empty
result has all columns. The result is in memory as a whole. Columns and their types are the same for every source:
    event_time, start, end, window_*        datetime64[ms, UTC]
    recv_time (of `recv_us`)                datetime64[us, UTC]; NaT from the database
    venue, symbol, size, state, reason      str
    flags                                   list of str
    one_sided                               bool
    ids, levels_*, depth, counts, *_ms      int64; float64 if a value is missing
    every other column                      float64; NaN where the metric is undefined

Units: prices and spreads in the quote currency, `spread_bps` in basis points of mid, depths and order flow in base
units (USD for inverse perpetuals and futures), imbalances -1 to 1, `out_of_sync` as a share of the window.
Definitions: docs/metrics.md. Errors: ReaderError for wrong arguments and unreadable sources, `core.errors.UserError`
(its base) for an unreachable broker; their texts name cause and remedy.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from core.settings import Settings
from reader.errors import ReaderError

if TYPE_CHECKING:
    import pandas as pd

    from ring.view import Ring

__all__ = ["Form", "ReaderError", "Source", "Symbols", "TickKind", "Time", "processed", "ring", "ticks", "windows"]

Form: TypeAlias = Literal["pandas", "arrow"]
TickKind: TypeAlias = Literal["book", "trade"]
Source: TypeAlias = str | Path
Symbols: TypeAlias = str | Iterable[str] | None
Time: TypeAlias = datetime | str | None


@overload
def processed(
    source: Source,
    symbols: Symbols = ...,
    start: Time = ...,
    end: Time = ...,
    form: Literal["pandas"] = ...,
    settings: Settings | None = ...,
) -> "pd.DataFrame": ...
@overload
def processed(
    source: Source,
    symbols: Symbols = ...,
    start: Time = ...,
    end: Time = ...,
    *,
    form: Literal["arrow"],
    settings: Settings | None = ...,
) -> Any: ...
def processed(
    source: Source,
    symbols: Symbols = None,
    start: Time = None,
    end: Time = None,
    form: Form = "pandas",
    settings: Settings | None = None,
) -> Any:
    """Metrics of book updates with `start <= event_time < end`; arguments, types and errors as in the module's text.

    Columns: the fields of `core.records.Processed`, with `recv_time` for `recv_us`. From the database: the last record
    of each symbol and second, without `recv_time`.
    """
    from reader.datasets import PROCESSED, RowFilter
    from reader.tables import read

    return read(PROCESSED, source, RowFilter.of(symbols, start, end), form, settings)


@overload
def windows(
    source: Source,
    symbols: Symbols = ...,
    start: Time = ...,
    end: Time = ...,
    size: str | None = ...,
    form: Literal["pandas"] = ...,
    settings: Settings | None = ...,
) -> "pd.DataFrame": ...
@overload
def windows(
    source: Source,
    symbols: Symbols = ...,
    start: Time = ...,
    end: Time = ...,
    size: str | None = ...,
    *,
    form: Literal["arrow"],
    settings: Settings | None = ...,
) -> Any: ...
def windows(
    source: Source,
    symbols: Symbols = None,
    start: Time = None,
    end: Time = None,
    size: str | None = None,
    form: Form = "pandas",
    settings: Settings | None = None,
) -> Any:
    """Windows with `start <= window_start < end`; arguments, types and errors as in the module's text.

    `size`: "1s", "10s" (a new one every second) or "1m"; None for all. Columns: those of `orderbook.windows`.
    """
    from reader.datasets import WINDOWS, RowFilter
    from reader.tables import read

    return read(WINDOWS, source, RowFilter.of(symbols, start, end, size), form, settings)


@overload
def ticks(
    source: Source,
    symbols: Symbols = ...,
    start: Time = ...,
    end: Time = ...,
    kind: TickKind = ...,
    form: Literal["pandas"] = ...,
    settings: Settings | None = ...,
) -> "pd.DataFrame": ...
@overload
def ticks(
    source: Source,
    symbols: Symbols = ...,
    start: Time = ...,
    end: Time = ...,
    kind: TickKind = ...,
    *,
    form: Literal["arrow"],
    settings: Settings | None = ...,
) -> Any: ...
def ticks(
    source: Source,
    symbols: Symbols = None,
    start: Time = None,
    end: Time = None,
    kind: TickKind = "book",
    form: Form = "pandas",
    settings: Settings | None = None,
) -> Any:
    """Ticks that begin in `[start, end)`; arguments, types and errors as in the module's text. The database has none.

    `kind`: "book" or "trade". Columns: the fields of BookTick or TradeTick (`market.orderbook.tick_records`), with
    `recv_time` for `recv_us`.
    """
    from reader.datasets import TICKS, RowFilter
    from reader.tables import read

    if kind not in TICKS:
        raise ReaderError(f"unknown kind {kind!r}; expected {' or '.join(TICKS)}")
    return read(TICKS[kind], source, RowFilter.of(symbols, start, end), form, settings)


def ring(name: str = "depthflow") -> "Ring":
    """Shared memory of the running `depthflow ring --name NAME`: a mapping of `venue:symbol` to newest values.

    `ring()[key]` is a slot, to be kept: `slot.book()` takes about a microsecond and returns the newest book with `bids`
    and `asks` as arrays (levels, 2) of price and size, views without a copy. `book.is_intact`, checked after they
    were used, is True while no later book has taken their place. `slot.trades()`, `slot.ticks()` and `slot.state`: see
    `ring.view.Slot`. Raises `ring.segment.RingError` without a ring or key, and WriterGone (its subclass) once the
    writer has written no heartbeat for three seconds.
    """
    from ring.segment import path_of
    from ring.view import Ring

    return Ring(path_of(name))
