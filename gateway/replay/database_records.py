"""Metrics by second, states and alerts of a span from the database, and the newest snapshot before it."""

from collections.abc import Iterator
from typing import Any

from gateway.database import Database
from gateway.encoding import Row, encode
from gateway.replay.request import ReplayRequest, event_line
from gateway.stored_values import FLAGS, best_levels

MAX_ROWS = 20_000  # of metrics, and of states
MS = "(extract(epoch FROM {}) * 1000)::bigint"
_OF_BOOK = "WHERE venue = %(venue)s AND symbol = %(symbol)s"
_IN_SPAN = f"{_OF_BOOK} AND {{0}} >= to_timestamp(%(from)s / 1000.0) AND {{0}} <= to_timestamp(%(to)s / 1000.0)"
METRICS = (
    "SELECT venue, symbol, event_time, update_id, best_bid, best_bid_size, best_ask, best_ask_size, mid, microprice, "
    "spread, spread_bps, bid_depth, ask_depth, imbalance, weighted_imbalance, vtob, ofi, levels_bid, levels_ask, "
    f"depth, {FLAGS} FROM orderbook_metrics {_IN_SPAN.format('ts')} ORDER BY ts LIMIT %(rows)s"
)
STATES = (
    f"SELECT venue, symbol, state, reason, {MS.format('since')} AS since FROM book_states {_OF_BOOK} "
    "AND book_states.since <= to_timestamp(%(to)s / 1000.0) AND book_states.since >= coalesce((SELECT max(b.since) "
    "FROM book_states b WHERE b.venue = %(venue)s AND b.symbol = %(symbol)s "
    "AND b.since <= to_timestamp(%(from)s / 1000.0)), to_timestamp(%(from)s / 1000.0)) "
    "ORDER BY book_states.since, record_offset LIMIT %(rows)s"
)
ALERTS = (
    f"SELECT id, venue, symbol, rule, severity, phase, {MS.format('episode')} AS episode, "
    f"{MS.format('ts')} AS event_time, value, threshold, message FROM orderbook_alerts {_IN_SPAN.format('ts')} "
    "ORDER BY ts, id LIMIT 5000"
)
SYNCED = (
    f"SELECT {MS.format('max(since)')} AS since FROM book_states {_OF_BOOK} AND state = 'synced' "
    "AND reason <> 'resumed' AND since <= to_timestamp(%(from)s / 1000.0)"
)


class StoredSpan:
    """Reads one span. Raises psycopg.Error or PoolTimeout."""

    def __init__(self, database: Database, request: ReplayRequest) -> None:
        self._database = database
        self._parameters = {
            "venue": request.venue,
            "symbol": request.symbol,
            "from": request.from_ms,
            "to": request.to_ms,
            "rows": MAX_ROWS + 1,
        }
        self._from_ms = request.from_ms

    async def synced_ms(self) -> int | None:
        """Time of the newest snapshot before the span, epoch ms."""
        row = await self._database.row(SYNCED, self._parameters)
        return None if row is None else row["since"]

    async def alerts(self) -> list[bytes]:
        """Lines of the span's alerts, by time."""
        rows = await self._database.rows(ALERTS, self._parameters)
        return [event_line(row["event_time"], "alert", encode(row)) for row in rows]

    async def books(self) -> tuple[list[bytes], str | None]:
        """Lines of metrics and states, by time, and why they are not complete. Books have their best level alone."""
        states = await self._database.rows(STATES, self._parameters)
        metrics = await self._database.rows(METRICS, self._parameters)
        over = [
            rows[MAX_ROWS][time] for rows, time in ((states, "since"), (metrics, "event_time")) if len(rows) > MAX_ROWS
        ]
        if not over:
            return list(_merged(states, metrics, self._from_ms)), None
        until = min(over)
        states = [row for row in states if row["since"] < until]
        metrics = [row for row in metrics if row["event_time"] < until]
        reason = f"the database has more than {MAX_ROWS:,} rows of the span; the first left out is of {until}"
        return list(_merged(states, metrics, self._from_ms)), reason


def _merged(states: list[Row], metrics: list[Row], from_ms: int) -> Iterator[bytes]:
    waiting, trust = list(reversed(states)), _trust(None)
    for row in metrics:
        while waiting and waiting[-1]["since"] <= row["event_time"]:
            state = waiting.pop()
            trust = _trust(state)
            yield _status(state, from_ms)
        yield event_line(
            max(from_ms, row["event_time"]), "book_record", encode(trust | row | {"recv_us": None} | best_levels(row))
        )
    yield from (_status(state, from_ms) for state in reversed(waiting))


def _status(state: Row, from_ms: int) -> bytes:
    time_ms = max(from_ms, state["since"])
    return event_line(time_ms, "status", encode(state | _trust(state) | {"event_time": time_ms}))


def _trust(state: Row | None) -> dict[str, Any]:
    known = state or {"state": None, "reason": None, "since": None}
    return {"trusted": known["state"] == "synced"} | {name: known[name] for name in ("state", "reason", "since")}
