"""Exchanges with reference books, and connections that lose, repeat, delay and garble frames; all from one seed."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.market.orderbook.builders import Kraken, deribit, envelope, event, rest_snapshot, spot, usdm

Sizes = dict[float, float]
Sides = tuple[list[tuple[float, float]], list[tuple[float, float]]]
GARBAGE = (None, b"", b"{", b'{"venue":"binance"}', b"\xff\xfe")
STEPS = 40


class Exchange:
    """One symbol: one dict per side. `books_by_id`: the book after each update."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.mid = 1000  # in ticks of 0.1
        self.bids: Sizes = {99.9: 1.0}
        self.asks: Sizes = {100.1: 1.0}
        self.id = 100
        self.books_by_id: dict[int, Sides] = {}

    def step(self) -> Sides:
        """Change some levels and sometimes the mid; return the net changes."""
        random = self.random
        self.mid += random.choice((-3, -1, 0, 0, 0, 1, 3))
        changed = ([], []) if random.random() < 0.05 else (self.change(self.bids, -1), self.change(self.asks, 1))
        self.id += random.randint(1, 3)
        return changed

    def change(self, side: Sizes, sign: int) -> list[tuple[float, float]]:
        """New sizes by price on one side; levels on the wrong side of the mid are deleted."""
        crossed = {price: 0.0 for price in side if sign * (price * 10 - self.mid) <= 0}
        drawn = ((self.mid + sign * self.random.randint(1, 14)) / 10 for _ in range(self.random.randint(0, 4)))
        levels = crossed | {price: self.random.choice((0.0, 0.5, 1.25, 3.0)) for price in drawn}
        side.update(levels)
        for price in [price for price, size in side.items() if not size]:
            del side[price]
        return list(levels.items())

    def sides(self, depth: int = 1000) -> Sides:
        """The book, best level first."""
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        return bids, sorted(self.asks.items())[:depth]


class UnreliableConnection:
    """Delivers frames with losses, repetitions, delays and garbage."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.values: list[bytes | None] = []

    def send(self, frame: bytes, loss: float = 0.06) -> None:
        """Deliver, lose, repeat or delay a frame."""
        draw = self.random.random()
        if draw >= loss:
            self.values.append(frame)
        if loss < draw < loss + 0.05:
            self.values.append(frame)
        if draw > 0.97 and len(self.values) > 1:
            self.values[-2:] = self.values[:-3:-1]
        if 0.95 < draw < 0.97:
            self.values.append(self.random.choice(GARBAGE))


def rest_scenario(venue: str, random: Random) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Binance: two connections, and snapshots that arrive late."""
    exchange, connection, replies = Exchange(random), UnreliableConnection(random), []
    for n in range(STEPS):
        before = exchange.id
        bids, asks = exchange.step()
        exchange.books_by_id[exchange.id] = exchange.sides()
        for conn in ("a", "b")[: random.choice((1, 1, 2))]:
            frame = _binance(venue, before, exchange.id, bids, asks, n / 4, conn)
            connection.send(frame)
        if n == 2 or random.random() < 0.12:
            replies.append((n + random.randint(0, 3), _reply(venue, exchange, n / 4)))
        connection.values += [reply for due, reply in replies if due == n]
        _events(connection, venue, n, 0)
    return [*connection.values, _reply(venue, exchange, STEPS / 4)], exchange.books_by_id


def _reply(venue: str, exchange: Exchange, at: float) -> bytes:
    return rest_snapshot(venue, exchange.id if venue == "binance" else 10 * exchange.id, *exchange.sides(), at=at)


def _binance(venue: str, before: int, last: int, *fields: Any) -> bytes:
    bids, asks, at, conn = fields
    if venue == "binance":
        return spot(before + 1, last, bids, asks, at, conn=conn)
    return usdm(10 * before, 10 * last - 4, 10 * last, bids, asks, at, conn=conn)


def deribit_scenario(venue: str, random: Random) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Deribit: two connections, each with its own losses."""
    exchange, connection = Exchange(random), UnreliableConnection(random)
    for n in range(STEPS):
        before = exchange.id
        bids, asks = exchange.step()
        exchange.books_by_id[exchange.id] = exchange.sides()
        for conn in ("a", "b")[: random.choice((1, 1, 2))]:
            connection.send(deribit(exchange.id, before, bids, asks, n / 4, conn=conn))
            if n == 2 or random.random() < 0.1:
                connection.send(deribit(exchange.id, None, *exchange.sides(), n / 4, conn=conn))
        _events(connection, venue, n, 0)
    return connection.values, exchange.books_by_id


def kraken_scenario(venue: str, random: Random) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Kraken: a followed connection and a standby, wrong checksums among their messages."""
    exchange, connection, feeds = Exchange(random), UnreliableConnection(random), [Kraken("a"), Kraken("b")]
    for feed in feeds:
        feed.snapshot(*exchange.sides(10))
    for n in range(STEPS):
        bids, asks = exchange.step()
        has_snapshot = n == 2 or random.random() < 0.15
        for feed in feeds:
            wrong_checksum = 7 if random.random() < 0.02 else None
            connection.send(feed.update(bids, asks, n / 4, wrong_checksum), loss=0.03)
        exchange.books_by_id[_time_us(n)] = _sides(feeds[0])
        for feed in feeds if has_snapshot else ():
            connection.send(feed.snapshot(*exchange.sides(10), n / 4 + 0.1))
        exchange.books_by_id[_time_us(n) + 100_000] = _sides(feeds[0])
        _events(connection, venue, n, feeds[0].seq)
    return connection.values, exchange.books_by_id


def _sides(feed: Kraken) -> Sides:
    return sorted(feed.bids.items(), reverse=True), sorted(feed.asks.items())


def _time_us(n: int) -> int:
    return 1_767_225_600_000_000 + n * 250_000


def _events(connection: UnreliableConnection, venue: str, n: int, seq: int) -> None:
    draw = connection.random.random()
    if draw < 0.04:
        connection.values.append(event(venue, "disconnected" if draw < 0.03 else "dropped", n / 4, "a", seq))
    if draw > 0.97:
        trade = {"e": "trade", "E": 1, "s": "ETHUSDT", "p": "1.5", "q": "1", "T": 1, "m": True, "t": n // 2}
        connection.values.append(envelope("binance", {"data": trade}, "trade"))


Scenario = Callable[[str, Random], tuple[list[bytes | None], dict[int, Sides]]]
SCENARIOS: dict[str, Scenario] = {
    "binance": rest_scenario,
    "binance_usdm": rest_scenario,
    "deribit": deribit_scenario,
    "kraken": kraken_scenario,
}


def scenario(venue: str, seed: int) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Values in order of arrival, and the book at each id that a record may have."""
    values, books_by_id = SCENARIOS[venue](venue, Random(f"{venue}/{seed}"))
    return values, {10 * at: sides for at, sides in books_by_id.items()} if venue == "binance_usdm" else books_by_id


def record_touch(row: dict[str, Any]) -> tuple[Any, ...]:
    """Best levels of a processed record."""
    return tuple(row[name] for name in ("best_bid", "best_bid_size", "best_ask", "best_ask_size"))


def book_touch(sides: Sides) -> tuple[Any, ...]:
    """Best levels of a reference book."""
    return tuple(value for side in sides for value in (side[0] if side else (None, None)))


def parse_book(line: bytes) -> tuple[int, Sides]:
    """Id and levels of a book record."""
    book = json.loads(line)
    return book["update_id"], tuple([tuple(level) for level in book[name]] for name in ("bids", "asks"))
