"""Processed records, windows and chains as pandas and pyarrow.

    import reader
    reader.processed("topic", symbols="BTCUSDT", start="2026-01-01T12:00Z")     # a pandas.DataFrame
    reader.windows("database", symbols=["kraken:BTC/USD"], size="1m", form="arrow")

A source is `topic` (KAFKA_BOOTSTRAP_SERVERS and TOPIC_PREFIX), `database` (POSTGRES_DSN), or the folder of a
`depthflow record`. Times are aware, columns typed, and rows in the order of their time, whatever the source.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from market.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Form: TypeAlias = Literal["pandas", "arrow"]
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
    """Metrics records with `start <= event_time < end` as a pandas.DataFrame, or a pyarrow.Table with `form="arrow"`.

    `symbols`: `BTCUSDT` (at any venue) or `binance:BTCUSDT`; all if None. Times are aware datetimes, or ISO text with a
    zone. Fields: `market.records.Processed`, with `event_time` and `recv_time` (of `recv_us`) as UTC timestamps; the
    database has one record per symbol and second, without `recv_time`. Raises `market.errors.UserError`.
    """
    from reader.datasets import PROCESSED, Wanted
    from reader.tables import read

    return read(PROCESSED, source, Wanted.of(symbols, start, end), form, settings)


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
    """Windows that begin within `start <= window_start < end`, as `processed` gives records.

    `size`: `1s`, `10s` or `1m`; all if None. Columns: those of the topic `orderbook.windows`, with `window_start` and
    `window_end` as UTC timestamps.
    """
    from reader.datasets import WINDOWS, Wanted
    from reader.tables import read

    return read(WINDOWS, source, Wanted.of(symbols, start, end, size), form, settings)
