"""Rows of a book and of an option chain, written into the tables as the analytics job writes them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
from psycopg import sql

BOOK, CHAIN = ("kraken", "BTC/USD"), ("deribit", "BTC")
START = datetime(2026, 3, 2, 10, tzinfo=timezone.utc)
EXPIRY = datetime(2026, 3, 27, 8, tzinfo=timezone.utc)

_BOOK = {"venue": BOOK[0], "symbol": BOOK[1]}
_CHAIN = {"venue": CHAIN[0], "underlying": CHAIN[1]}


def insert(dsn: str, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows, all with the columns of the first one, as the role of the DSN."""
    rows = list(rows)
    names = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    places = sql.SQL(", ").join(map(sql.Placeholder, rows[0]))
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, places)
    with psycopg.connect(dsn) as connection:
        connection.cursor().executemany(query, rows)


def metrics(seconds: Iterable[int], imbalances: Sequence[float], mids: Sequence[float]) -> list[dict[str, Any]]:
    """Seconds after START with an imbalance and a mid each."""
    counts = {"update_id": 1, "levels_bid": 5, "levels_ask": 5, "depth": 10}
    return [
        _BOOK | counts | {"ts": _at(second), "event_time": _ms(second), "imbalance": imbalance, "mid": mid}
        for second, imbalance, mid in zip(seconds, imbalances, mids, strict=True)
    ]


def window(second: int, size: str, **values: float) -> dict[str, Any]:
    """A window that begins some seconds after START."""
    given = {"updates": 10, "imbalance_twa": 0.5, "spread_bps_mean": 2.0, "ofi_sum": 0.0, "out_of_sync": 0.0} | values
    return _BOOK | given | {"window_start": _at(second), "size": size}


def state(second: int, name: str) -> dict[str, Any]:
    """A change of the book's state."""
    return _BOOK | {
        "since": _at(second), "state": name, "reason": "sequence", "event_time": _ms(second), "record_offset": second,
    }  # fmt: skip


def alert(second: int, rule: str, severity: str = "medium", phase: str = "enter") -> dict[str, Any]:
    """An alert of an episode of its own."""
    given = {"rule": rule, "severity": severity, "phase": phase, "value": 0.61, "threshold": 0.5}
    named = {"id": f"{rule}|{second}|{phase}", "message": f"{rule} {phase}: value 0.61"}
    return _BOOK | given | named | {"episode": _at(second), "ts": _at(second)}


def expiry(second: int, **values: float | None) -> dict[str, Any]:
    """One second of the chain's only expiry; sums are 0 where they are not given."""
    counts = dict.fromkeys(("strikes", "options", "svi_points"), 4)
    sums = dict.fromkeys(
        ("call_volume", "put_volume", "call_premium", "put_premium", "gamma_gross", "gamma_naive"), 0.0
    )
    interest = {"call_open_interest": 30.0, "put_open_interest": 15.0}
    head = {"ts": _at(second), "expiry": EXPIRY, "event_time": _ms(second), "linear": False, "years": 0.07}
    return _CHAIN | head | counts | sums | interest | values


def underlying(second: int, **values: float | None) -> dict[str, Any]:
    """One second of the chain over all expiries."""
    sums = {"call_open_interest": 30.0, "put_open_interest": 15.0, "gamma_gross": 8.0, "gamma_naive": 2.0}
    return _CHAIN | sums | {"ts": _at(second), "event_time": _ms(second), "options": 4, "expiries": 1} | values


def _at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def _ms(second: int) -> int:
    return round(_at(second).timestamp() * 1000)
