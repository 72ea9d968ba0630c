"""History from the database. Times in parameters and rows are epoch milliseconds."""

from typing import Any

from gateway.database import Database
from gateway.encoding import Row
from gateway.paging import Key
from gateway.stored_values import UNDERLYING_COLUMNS
from market.options.records import ChainRecord

MS = "(extract(epoch FROM {}) * 1000)::bigint"
AFTER = "to_timestamp(%(start)s / 1000.0)"
BEFORE = "to_timestamp(%(end)s / 1000.0)"
# Spans up to which a resolution is chosen, in seconds.
SPANS = ((900, "1s"), (3 * 3600, "10s"), (3 * 86400, "1m"))
STEP_S = {"1s": 1, "10s": 10, "1m": 60, "1h": 3600}

_COLUMNS = (
    "imbalance_open, imbalance_high, imbalance_low, imbalance_close, imbalance_mean, imbalance_twa, spread_twa, "
    "spread_bps_mean, bid_depth_mean, ask_depth_mean, ofi_sum, microprice_last, out_of_sync"
)


def _weighted(name: str) -> str:
    """Mean of a column of minutes, weighted by their updates."""
    return f"sum({name} * updates) / nullif(sum(updates) FILTER (WHERE {name} IS NOT NULL), 0) AS {name}"


WINDOWS = (
    f"SELECT {MS.format('window_start')} AS time, updates, {_COLUMNS} FROM orderbook_windows "
    "WHERE venue = %(venue)s AND symbol = %(symbol)s AND size = %(resolution)s "
    f"AND window_start >= {AFTER} AND window_start < {BEFORE} "
    "AND extract(epoch FROM window_start)::bigint %% %(step)s = 0 ORDER BY window_start LIMIT %(limit)s"
)
# Windows of a minute as windows of an hour: means are weighted by updates.
HOURS = (
    f"SELECT {MS.format('hour')} AS time, sum(updates)::bigint AS updates, "
    "(array_agg(imbalance_open ORDER BY window_start))[1] AS imbalance_open, "
    "max(imbalance_high) AS imbalance_high, min(imbalance_low) AS imbalance_low, "
    "(array_agg(imbalance_close ORDER BY window_start DESC))[1] AS imbalance_close, "
    f"{_weighted('imbalance_mean')}, avg(imbalance_twa) AS imbalance_twa, avg(spread_twa) AS spread_twa, "
    f"{_weighted('spread_bps_mean')}, {_weighted('bid_depth_mean')}, {_weighted('ask_depth_mean')}, "
    "sum(ofi_sum) AS ofi_sum, (array_agg(microprice_last ORDER BY window_start DESC))[1] AS microprice_last, "
    "avg(out_of_sync) AS out_of_sync "
    "FROM (SELECT *, date_trunc('hour', window_start) AS hour FROM orderbook_windows "
    "WHERE venue = %(venue)s AND symbol = %(symbol)s AND size = '1m' "
    f"AND window_start >= date_trunc('hour', {AFTER} + interval '1 hour' - interval '1 ms') "
    f"AND window_start < {BEFORE}) AS minutes GROUP BY hour ORDER BY hour LIMIT %(limit)s"
)
_TRADES = "open, high, low, close, volume, notional, vwap, signed_volume, trades::bigint, buys::bigint"
TRADE_TABLES = {"1s": ("trades_1s", "ts"), "1m": ("trades_1m", "bucket"), "1h": ("trades_1h", "bucket")}
ALERTS = (
    f"SELECT id, venue, symbol, rule, severity, phase, {MS.format('episode')} AS episode, "
    f"{MS.format('ts')} AS event_time, value, threshold, message FROM orderbook_alerts "
    "WHERE (%(rule)s::text IS NULL OR rule = %(rule)s) AND (%(severity)s::text IS NULL OR severity = %(severity)s) "
    "AND (%(venue)s::text IS NULL OR venue = %(venue)s) AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s) "
    f"AND ts >= {AFTER} AND (%(last_id)s::text IS NULL OR ts <= {BEFORE} AND (ts < {BEFORE} OR id < %(last_id)s)) "
    "ORDER BY ts DESC, id DESC LIMIT %(limit)s"
)
QUALITY = (
    "WITH spans AS (SELECT venue, symbol, count(*) AS seconds, 1 - avg(out_of_sync) AS in_sync_share "
    f"FROM orderbook_windows WHERE size = '1m' AND window_start >= {AFTER} GROUP BY venue, symbol), "
    # Changes since the time, and the states at that time.
    f"states AS (SELECT venue, symbol, state, since, record_offset, true AS began, true AS recent FROM book_states "
    f"WHERE since >= {AFTER} UNION ALL (SELECT DISTINCT ON (venue, symbol) venue, symbol, state, {AFTER}, -1, false, "
    f"state <> 'synced' AND since >= {AFTER} - interval '1 day' "
    f"FROM book_states WHERE since < {AFTER} ORDER BY venue, symbol, since DESC, record_offset DESC)), "
    "outages AS (SELECT venue, symbol, state, began, recent, "
    "coalesce(min(since) FILTER (WHERE state = 'synced') OVER later, now()) - since AS lasted FROM states "
    "WINDOW later AS (PARTITION BY venue, symbol ORDER BY since, record_offset "
    "ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)), "
    "lost AS (SELECT venue, symbol, count(*) FILTER (WHERE began AND state = 'gap') AS gaps, "
    "max(extract(epoch FROM lasted)) FILTER (WHERE state <> 'synced') AS longest FROM outages GROUP BY venue, symbol "
    "HAVING bool_or(recent) OR (venue, symbol) IN (SELECT venue, symbol FROM spans)), "
    "latencies AS (SELECT venue, symbol, "
    "percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms "
    f"FROM orderbook_metrics WHERE ts >= {AFTER} AND latency_ms IS NOT NULL GROUP BY venue, symbol) "
    "SELECT venue, symbol, coalesce(seconds, 0) * 60 AS seconds, in_sync_share, coalesce(gaps, 0) AS gaps, "
    "longest::double precision AS longest_out_of_sync_s, "
    "latency_ms[1] AS latency_p50_ms, latency_ms[2] AS latency_p99_ms "
    "FROM spans FULL JOIN lost USING (venue, symbol) LEFT JOIN latencies USING (venue, symbol) "
    "ORDER BY venue, symbol"
)
UNDERLYING_TICKS = (
    f"SELECT {UNDERLYING_COLUMNS} FROM underlying_ticks "
    "WHERE venue = %(venue)s AND underlying = %(product)s ORDER BY ts DESC LIMIT %(limit)s"
)
PUT_CALL_MINUTES = (
    f"SELECT {MS.format('bucket')} AS time, pcr_open_interest, pcr_volume FROM underlying_ticks_1m "
    "WHERE venue = %(venue)s AND underlying = %(product)s AND bucket > now() - interval '1 day' ORDER BY bucket"
)
INTEREST_CHANGES = (
    "SELECT instrument, change_1h FROM option_interest_changes WHERE venue = %(venue)s AND underlying = %(product)s"
)
_SECONDS = (
    "ts IN (SELECT ts FROM option_chain_metrics WHERE venue = %(venue)s AND underlying = %(product)s "
    "AND expiry = to_timestamp(%(expiry)s / 1000.0) ORDER BY ts DESC LIMIT %(limit)s)"
)
_OF_EXPIRY = (
    "WHERE venue = %(venue)s AND underlying = %(product)s AND expiry = to_timestamp(%(expiry)s / 1000.0) "
    f"AND {_SECONDS} ORDER BY ts DESC"
)


def choose_resolution(start_ms: int, end_ms: int) -> str:
    """The finest resolution with at most some thousand windows in this span."""
    span_s = (end_ms - start_ms) / 1000
    return next((name for longest, name in SPANS if span_s <= longest), "1h")


async def windows(
    database: Database, book: tuple[str, str], resolution: str, span: tuple[int, int], limit: int
) -> list[Row]:
    """Windows of a book that begin in the span, oldest first."""
    parameters = _span(book, span, limit) | {"resolution": resolution, "step": STEP_S[resolution]}
    return await database.rows(HOURS if resolution == "1h" else WINDOWS, parameters)


async def trades(
    database: Database, book: tuple[str, str], resolution: str, span: tuple[int, int], limit: int
) -> list[Row]:
    """Trade bars of a symbol that begin in the span, oldest first."""
    table, time = TRADE_TABLES[resolution]
    query = (
        f"SELECT {MS.format(time)} AS time, {_TRADES} FROM {table} WHERE venue = %(venue)s AND symbol = %(symbol)s "
        f"AND {time} >= {AFTER} AND {time} < {BEFORE} ORDER BY {time} LIMIT %(limit)s"
    )
    return await database.rows(query, _span(book, span, limit))


async def alerts(database: Database, filters: dict[str, str | None], since: int, after: Key | None, limit: int) -> Any:
    """Alerts since a time, newest first, after the row of a cursor."""
    end, last_id = after or (0, None)
    return await database.rows(ALERTS, filters | {"start": since, "end": end, "last_id": last_id, "limit": limit})


async def quality(database: Database, since: int) -> list[Row]:
    """Quality of every book since a time."""
    return await database.rows(QUALITY, {"start": since})


async def underlying_ticks(database: Database, venue: str, product: str, limit: int) -> list[Row]:
    """Seconds of an underlying, newest first."""
    return await database.rows(UNDERLYING_TICKS, {"venue": venue, "product": product, "limit": limit})


async def put_call_minutes(database: Database, venue: str, product: str) -> list[Row]:
    """Put-call ratios by minute of the last day, oldest first."""
    return await database.rows(PUT_CALL_MINUTES, {"venue": venue, "product": product})


async def interest_changes(database: Database, venue: str, product: str) -> dict[str, float | None]:
    """Change of the open interest over an hour, by instrument."""
    rows = await database.rows(INTEREST_CHANGES, {"venue": venue, "product": product})
    return {row["instrument"]: row["change_1h"] for row in rows}


async def chain_seconds(database: Database, newest: ChainRecord, limit: int) -> tuple[list[Row], list[Row]]:
    """The last seconds of one expiry, newest first: rows of `option_chain_metrics` and of `option_surface`."""
    parameters = {
        "venue": newest.venue,
        "product": newest.underlying,
        "expiry": newest.expiry,
        "limit": limit,
    }
    summaries = await database.rows(f"SELECT * FROM option_chain_metrics {_OF_EXPIRY}", parameters)
    return summaries, await database.rows(f"SELECT * FROM option_surface {_OF_EXPIRY}", parameters)


def _span(book: tuple[str, str], span: tuple[int, int], limit: int) -> dict[str, Any]:
    return {"venue": book[0], "symbol": book[1], "start": span[0], "end": span[1], "limit": limit}
