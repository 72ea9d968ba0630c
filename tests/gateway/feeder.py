"""Market data for the gateway's tests: records through the cache job's operator into Redis, and rows of the tables."""

import json
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import msgspec
import psycopg

from core.records import Alert, Status, TopOfBook, Trade
from jobs.redis_sink import CacheOperator
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from tests.fakes import FakeContext

VENUE, SYMBOL, PRODUCT = "kraken", "BTC/USD", "BTC"
BOOK = f"{VENUE}:{SYMBOL}"
EXPIRY = "2030-06-28"
EXPIRY_MS = round(datetime(2030, 6, 28, 8, tzinfo=timezone.utc).timestamp() * 1000)


class Counter:
    def inc(self, by: int = 1) -> None:
        pass


class Context(FakeContext):
    """The operator's context with a metric group."""

    key = ""

    def get_metrics_group(self) -> "Context":
        return self

    def counter(self, name: str) -> Counter:
        return Counter()


class Feeder:
    """Writes to Redis as the cache job does. `offset` counts states."""

    def __init__(self, redis_url: str) -> None:
        self._context = Context()
        self._operator = CacheOperator(redis_url, "", "binance", 30)
        self._operator.open(self._context)
        self._offset = 0

    def close(self) -> None:
        self._operator.close()

    def process(self, topic: str, key: str, *lines: bytes) -> None:
        """Records of one topic and key."""
        self._context.key = key
        offsets = list(range(self._offset, self._offset + len(lines)))
        self._offset += len(lines)
        list(self._operator.process_element((topic, 0, list(lines), offsets), self._context))

    def book(self, update_id: int, event_time: int, venue: str = VENUE, symbol: str = SYMBOL) -> None:
        """One book with its metrics record."""
        self.process("orderbook.processed", f"{venue}:{symbol}", processed(update_id, event_time, venue, symbol))
        levels = [(100.0, float(update_id))], [(101.0, 2.0)]
        book = TopOfBook(venue, symbol, event_time, event_time * 1000, update_id, *levels)
        self.process("orderbook.books", f"{venue}:{symbol}", msgspec.json.encode(book))

    def state(self, state: Any, event_time: int, reason: str = "snapshot", key: str = BOOK) -> None:
        """A change of the state of a book or chain."""
        venue, _, symbol = key.partition(":")
        self.process("orderbook.status", key, msgspec.json.encode(Status(venue, symbol, event_time, state, reason)))

    def trade(self, trade_id: str, event_time: int) -> None:
        trade = Trade(VENUE, SYMBOL, event_time, event_time * 1000, trade_id, 100.5, 0.25, "buy")
        self.process("trades", BOOK, msgspec.json.encode(trade))

    def alert(self, event_time: int, phase: str = "enter") -> Alert:
        found = alert(event_time, phase)
        self.process("orderbook.alerts", BOOK, msgspec.json.encode(found))
        return found

    def chain(self, event_time: int) -> None:
        """One second of a chain with one expiry and four options."""
        key = f"{VENUE}:{PRODUCT}"
        self.process("underlying_ticks", key, msgspec.json.encode(tick(event_time)))
        self.process("options.chain", key, msgspec.json.encode(summary(event_time)))
        self.process("options.surface", key, *map(msgspec.json.encode, options(event_time)))


def processed(update_id: int, event_time: int, venue: str = VENUE, symbol: str = SYMBOL) -> bytes:
    """A record of `orderbook.processed`."""
    record = {
        "venue": venue,
        "symbol": symbol,
        "event_time": event_time,
        "recv_us": event_time * 1000,
        "update_id": update_id,
        "best_bid": 100.0,
        "best_bid_size": 1.0,
        "best_ask": 101.0,
        "best_ask_size": 2.0,
        "mid": 100.5,
        "microprice": 100.4,
        "spread": 1.0,
        "spread_bps": 99.5,
        "bid_depth": 1.0,
        "ask_depth": 2.0,
        "imbalance": -1 / 3,
        "weighted_imbalance": -0.3,
        "vtob": None,
        "ofi": None,
        "levels_bid": 1,
        "levels_ask": 1,
        "depth": 10,
        "flags": ["ofi_seed"],
    }
    return json.dumps(record, separators=(",", ":")).encode()


def alert(event_time: int, phase: str = "enter") -> Alert:
    """An alert of an episode of its own."""
    return Alert(
        f"extreme_imbalance|{VENUE}|{SYMBOL}|{event_time}|{phase}",
        VENUE,
        SYMBOL,
        "extreme_imbalance",
        "medium",
        phase,
        event_time,
        event_time,
        0.61,
        0.5,
        f"{BOOK} extreme_imbalance {phase}: value 0.6100, threshold 0.5000 (medium)",
    )


def tick(event_time: int) -> UnderlyingTick:
    return UnderlyingTick(VENUE, PRODUCT, event_time, 100.5, 4, 1, 30.0, 15.0, 0.5, 0.4, 8.0, 2.0, 99.0, [])


def summary(event_time: int) -> ChainRecord:
    """The summary of the one expiry; fields that are not given here are null or 0."""
    given = {
        "venue": VENUE,
        "underlying": PRODUCT,
        "expiry": EXPIRY_MS,
        "event_time": event_time,
        "linear": False,
        "strikes": 2,
        "options": 4,
        "years": 0.5,
        "forward": 101.0,
        "forward_source": "published",
        "index_price": 100.5,
        "pcr_open_interest": 0.5,
        "max_pain": 100.0,
        "straddle": 8.0,
        "implied_move": 0.08,
        "atm_iv": 0.5,
        "call_wall": 110.0,
        "put_wall": 90.0,
        "flags": [],
    }
    return _record(ChainRecord, given)


def options(event_time: int) -> list[SurfaceRecord]:
    """Calls and puts at two strikes."""
    return [
        _record(
            SurfaceRecord,
            {
                "venue": VENUE,
                "underlying": PRODUCT,
                "instrument": f"BTC-28JUN30-{strike:.0f}-{kind[0].upper()}",
                "expiry": EXPIRY_MS,
                "strike": strike,
                "kind": kind,
                "event_time": event_time,
                "quote_time": event_time,
                "bid": 0.01,
                "ask": 0.02,
                "mark_iv": 0.5,
                "open_interest": strike / 10,
                "gamma_usd": 2.0 if kind == "call" else 1.0,
                "flags": [],
            },
        )
        for strike in (90.0, 110.0)
        for kind in ("call", "put")
    ]


def _record(kind: Any, given: dict[str, Any]) -> Any:
    """A record with the given fields; others are null, or 0 where null is not allowed."""
    values = {}
    for each in msgspec.structs.fields(kind):
        optional = type(None) in getattr(each.type, "__args__", ())
        values[each.name] = given.get(each.name, None if optional else 0)
    return kind(**values)


def store(dsn: str, now_ms: int) -> None:
    """The rows that the analytics job would write for the same records, and two minutes of windows and trades."""
    with psycopg.connect(dsn) as connection:
        _insert(connection, "orderbook_metrics", [_metrics_row(now_ms)])
        _insert(connection, "orderbook_alerts", [_alert_row(alert(now_ms - age)) for age in (1000, 2000, 3000)])
        _insert(connection, "book_states", _state_rows(now_ms))
        seconds = range(now_ms // 1000 - 120, now_ms // 1000)
        _insert(connection, "orderbook_windows", [_window_row(second, "1s") for second in seconds])
        minutes = range(now_ms // 60_000 - 90, now_ms // 60_000)
        _insert(connection, "orderbook_windows", [_window_row(60 * minute, "1m") for minute in minutes])
        _insert(connection, "trades_1s", [_trade_row(second) for second in seconds])
        _insert(connection, "underlying_ticks", [_stored(tick(now_ms - 1000 * age), "event_time") for age in range(5)])
        _insert(connection, "option_chain_metrics", [_option_row(summary(now_ms - 1000 * age)) for age in range(5)])
        surface = [_option_row(each) for age in range(5) for each in options(now_ms - 1000 * age)]
        _insert(connection, "option_surface", surface)


def _insert(connection: psycopg.Connection[Any], table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places}) ON CONFLICT DO NOTHING".encode(), row)


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, timezone.utc)


def _stored(record: Any, time: str) -> dict[str, Any]:
    row = msgspec.to_builtins(record)
    row["flags"] = ",".join(row["flags"])
    return row | {"ts": _time(row[time] // 1000 * 1000)}


def _option_row(record: Any) -> dict[str, Any]:
    row = _stored(record, "event_time")
    return row | {"expiry": _time(row["expiry"])}


def _metrics_row(now_ms: int) -> dict[str, Any]:
    row = json.loads(processed(7, now_ms))
    del row["recv_us"]
    return row | {"ts": _time(now_ms // 1000 * 1000), "flags": "ofi_seed", "latency_ms": 150.0}


def _alert_row(found: Alert) -> dict[str, Any]:
    row = msgspec.to_builtins(found)
    time = row.pop("event_time")
    return row | {"episode": _time(row["episode"]), "ts": _time(time)}


def _state_rows(now_ms: int) -> list[dict[str, Any]]:
    changes = [("synced", 60_000), ("gap", 30_000), ("synced", 28_500)]
    head = {"venue": VENUE, "symbol": SYMBOL, "reason": "sequence"}
    return [
        head | {"state": state, "since": _time(now_ms - age), "event_time": now_ms - age, "record_offset": number}
        for number, (state, age) in enumerate(changes)
    ]


def _window_row(second: int, size: str) -> dict[str, Any]:
    names = ("imbalance_open", "imbalance_high", "imbalance_low", "imbalance_close", "imbalance_mean", "spread_twa")
    row = {"venue": VENUE, "symbol": SYMBOL, "size": size, "window_start": _time(1000 * second), "updates": 10}
    return row | dict.fromkeys(names, 0.25) | {"out_of_sync": 0.0}


def _trade_row(second: int) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close", "vwap"), 100.5)
    row = {"venue": VENUE, "symbol": SYMBOL, "ts": _time(1000 * second)} | prices
    return row | {"volume": 1.0, "notional": 100.5, "signed_volume": 0.5, "trades": 4, "buys": 3}
