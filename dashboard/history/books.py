"""Order books: windows, their statistics, and returns after an imbalance."""

import pandas as pd

from dashboard.history.database import History, Span

MAX_ROWS = 20_000
STEP_S = {"1s": 1, "10s": 10, "1m": 60}
WINDOW_SPANS = ((900, "1s"), (3 * 3600, "10s"))  # longest span of a size in seconds; above them 1m
GROUPS = 5  # groups of imbalances between 0 and 1

_OF_BOOK = "venue = %(venue)s AND symbol = %(symbol)s"
_WINDOWS = (
    f"FROM orderbook_windows WHERE {_OF_BOOK} AND size = %(size)s AND window_start >= %(start)s "
    "AND window_start < %(end)s AND extract(epoch FROM window_start)::bigint %% %(step)s = 0"
)
BOOKS = "SELECT venue, symbol FROM dashboard_summary ORDER BY venue, symbol"
WINDOWS = (
    "SELECT window_start AS time, updates, imbalance_twa, imbalance_low, imbalance_high, spread_bps_mean, "
    f"bid_depth_mean, ask_depth_mean, ofi_sum, microprice_last, out_of_sync {_WINDOWS} ORDER BY time LIMIT %(limit)s"
)
STATISTICS = (
    "SELECT metric, count(value) AS windows, avg(value) AS mean, stddev_samp(value) AS deviation, min(value) AS low, "
    "percentile_cont(0.05) WITHIN GROUP (ORDER BY value) AS p5, "
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS median, "
    "percentile_cont(0.95) WITHIN GROUP (ORDER BY value) AS p95, max(value) AS high "
    f"FROM (SELECT * {_WINDOWS}) AS windows CROSS JOIN LATERAL (VALUES "
    "(1, 'imbalance', imbalance_twa), (2, 'spread_bps', spread_bps_mean), (3, 'bid_depth', bid_depth_mean), "
    "(4, 'ask_depth', ask_depth_mean), (5, 'ofi', ofi_sum), (6, 'updates', updates::double precision), "
    "(7, 'out_of_sync', out_of_sync)) AS measured (place, metric, value) GROUP BY place, metric ORDER BY place"
)
# Each second of the span with its mid and the last mid within the horizon after it. Seconds without a full horizon of
# records are left out, and so are those during whose horizon the book lost its stream.
_RETURNS = (
    "WITH seconds AS (SELECT ts, imbalance, mid, last_value(mid) OVER (ORDER BY ts "
    "RANGE BETWEEN CURRENT ROW AND %(horizon)s::interval FOLLOWING) AS later, max(ts) OVER () AS newest "
    f"FROM orderbook_metrics WHERE {_OF_BOOK} AND ts >= %(start)s "
    "AND ts < %(end)s::timestamptz + %(horizon)s::interval AND mid > 0), "
    "returns AS (SELECT imbalance, 10000 * (later / mid - 1) AS bps FROM seconds WHERE ts < %(end)s "
    "AND ts + %(horizon)s::interval <= newest AND imbalance IS NOT NULL AND NOT EXISTS "
    f"(SELECT FROM book_states AS lost WHERE lost.{_OF_BOOK.replace('AND ', 'AND lost.')} AND lost.state <> 'synced' "
    "AND lost.since >= seconds.ts AND lost.since <= seconds.ts + %(horizon)s::interval)) "
)
RETURNS = (
    f"{_RETURNS} SELECT (least(%(groups)s - 1, floor(imbalance * %(groups)s)) / %(groups)s)::double precision "
    "AS imbalance_from, count(*) AS seconds, avg(bps) AS return_bps, "
    "stddev_samp(bps) / sqrt(greatest(1, count(*) / %(horizon_s)s::double precision)) AS error_bps, "
    "avg((bps > 0)::int)::double precision AS up, avg((bps < 0)::int)::double precision AS down "
    "FROM returns GROUP BY 1 ORDER BY 1"
)
CORRELATION = (
    f"{_RETURNS} SELECT %(horizon_s)s::integer AS horizon_s, count(*) AS seconds, "
    "corr(imbalance, bps) AS correlation FROM returns"
)


def books(history: History) -> list[tuple[str, str]]:
    """Venue and symbol of every book with metrics, by name."""
    found = history.frame(BOOKS)
    return list(zip(found["venue"], found["symbol"], strict=True))


def window_size(span: Span) -> str:
    """The finest window size with at most some thousand windows in the span."""
    return next((size for longest, size in WINDOW_SPANS if span.seconds <= longest), "1m")


def windows(history: History, book: tuple[str, str], span: Span, size: str) -> pd.DataFrame:
    """Windows of one size that begin in the span, oldest first, at most MAX_ROWS."""
    return history.frame(WINDOWS, _windows_of(book, span, size) | {"limit": MAX_ROWS})


def window_statistics(history: History, book: tuple[str, str], span: Span, size: str) -> pd.DataFrame:
    """Mean, standard deviation and percentiles of each metric over the windows of the span; a row per metric."""
    return history.frame(STATISTICS, _windows_of(book, span, size))


def returns_by_imbalance(history: History, book: tuple[str, str], span: Span, horizon_s: int) -> pd.DataFrame:
    """Return of the mid over the horizon, grouped by the imbalance before it.

    `imbalance_from`: lower end of a group, of which GROUPS are between 0 and 1; `return_bps`: mean return in basis
    points, with its standard error `error_bps`; `up`, `down`: shares of the seconds after which the mid rose or fell.
    Spans of neighbouring seconds overlap, so the error counts one independent return for each horizon.
    """
    return history.frame(RETURNS, _returns_of(book, span, horizon_s) | {"groups": GROUPS})


def imbalance_correlations(
    history: History, book: tuple[str, str], span: Span, horizons_s: tuple[int, ...]
) -> pd.DataFrame:
    """Correlation of the imbalance with the return after it; a row per horizon, in seconds."""
    rows = [history.frame(CORRELATION, _returns_of(book, span, each)) for each in horizons_s]
    found: pd.DataFrame = pd.concat(rows, ignore_index=True)
    return found


def _of(book: tuple[str, str], span: Span) -> dict[str, object]:
    return {"venue": book[0], "symbol": book[1], "start": span.start, "end": span.end}


def _windows_of(book: tuple[str, str], span: Span, size: str) -> dict[str, object]:
    return _of(book, span) | {"size": size, "step": STEP_S[size]}


def _returns_of(book: tuple[str, str], span: Span, horizon_s: int) -> dict[str, object]:
    return _of(book, span) | {"horizon": f"{horizon_s} seconds", "horizon_s": horizon_s}
