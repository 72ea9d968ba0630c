"""Exchanges with naive books, and wires that lose, repeat, delay and garble what they say; all from one seed."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.market.builders import Kraken, deribit, envelope, event, rest, spot, usdm

Sizes = dict[float, float]
Sides = tuple[list[tuple[float, float]], list[tuple[float, float]]]
GARBAGE = (None, b"", b"{", b'{"venue":"binance"}', b"\xff\xfe")
STEPS = 40


class Exchange:
    """One symbol: a dict a side, and `truth`, what the book was at each id."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.mid = 1000  # ticks of a tenth
        self.bids: Sizes = {99.9: 1.0}
        self.asks: Sizes = {100.1: 1.0}
        self.id = 100
        self.truth: dict[int, Sides] = {}

    def step(self) -> Sides:
        """Change some levels, and move the mid now and then; the net change."""
        random = self.random
        self.mid += random.choice((-3, -1, 0, 0, 0, 1, 3))
        changed = ([], []) if random.random() < 0.05 else (self.change(self.bids, -1), self.change(self.asks, 1))
        self.id += random.randint(1, 3)
        return changed

    def change(self, side: Sizes, sign: int) -> list[tuple[float, float]]:
        """New sizes by price on one side; what the mid ran over is deleted."""
        over = {price: 0.0 for price in side if sign * (price * 10 - self.mid) <= 0}
        drawn = ((self.mid + sign * self.random.randint(1, 14)) / 10 for _ in range(self.random.randint(0, 4)))
        levels = over | {price: self.random.choice((0.0, 0.5, 1.25, 3.0)) for price in drawn}
        side.update(levels)
        for price in [price for price, size in side.items() if not size]:
            del side[price]
        return list(levels.items())

    def sides(self, depth: int = 1000) -> Sides:
        """The book, best first."""
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        return bids, sorted(self.asks.items())[:depth]


class Wire:
    """What becomes of the frames on their way."""

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
    """Binance: two connections, and snapshots that answer late."""
    exchange, wire, answers = Exchange(random), Wire(random), []
    for n in range(STEPS):
        before = exchange.id
        bids, asks = exchange.step()
        exchange.truth[exchange.id] = exchange.sides()
        for conn in ("a", "b")[: random.choice((1, 1, 2))]:
            frame = _binance(venue, before, exchange.id, bids, asks, n / 4, conn)
            wire.send(frame)
        if n == 2 or random.random() < 0.12:
            answers.append((n + random.randint(0, 3), _answer(venue, exchange, n / 4)))
        wire.values += [answer for due, answer in answers if due == n]
        _events(wire, venue, n, 0)
    return [*wire.values, _answer(venue, exchange, STEPS / 4)], exchange.truth


def _answer(venue: str, exchange: Exchange, at: float) -> bytes:
    return rest(venue, exchange.id if venue == "binance" else 10 * exchange.id, *exchange.sides(), at=at)


def _binance(venue: str, before: int, last: int, *rest: Any) -> bytes:
    bids, asks, at, conn = rest
    if venue == "binance":
        return spot(before + 1, last, bids, asks, at, conn=conn)
    return usdm(10 * before, 10 * last - 4, 10 * last, bids, asks, at, conn=conn)


def deribit_scenario(venue: str, random: Random) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Deribit: two connections, each with its own losses."""
    exchange, wire = Exchange(random), Wire(random)
    for n in range(STEPS):
        before = exchange.id
        bids, asks = exchange.step()
        exchange.truth[exchange.id] = exchange.sides()
        for conn in ("a", "b")[: random.choice((1, 1, 2))]:
            wire.send(deribit(exchange.id, before, bids, asks, n / 4, conn=conn))
            if n == 2 or random.random() < 0.1:
                wire.send(deribit(exchange.id, None, *exchange.sides(), n / 4, conn=conn))
        _events(wire, venue, n, 0)
    return wire.values, exchange.truth


def kraken_scenario(venue: str, random: Random) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Kraken: a followed connection and a standby, wrong checksums among their messages."""
    exchange, wire, lanes = Exchange(random), Wire(random), [Kraken("a"), Kraken("b")]
    for lane in lanes:
        lane.snapshot(*exchange.sides(10))
    for n in range(STEPS):
        bids, asks = exchange.step()
        again = n == 2 or random.random() < 0.15
        for lane in lanes:
            wrong = 7 if random.random() < 0.02 else None
            wire.send(lane.update(bids, asks, n / 4, wrong), loss=0.03)
        exchange.truth[_micros(n)] = _held(lanes[0])
        for lane in lanes if again else ():
            wire.send(lane.snapshot(*exchange.sides(10), n / 4 + 0.1))
        exchange.truth[_micros(n) + 100_000] = _held(lanes[0])
        _events(wire, venue, n, lanes[0].seq)
    return wire.values, exchange.truth


def _held(lane: Kraken) -> Sides:
    return sorted(lane.bids.items(), reverse=True), sorted(lane.asks.items())


def _micros(n: int) -> int:
    return 1_767_225_600_000_000 + n * 250_000


def _events(wire: Wire, venue: str, n: int, seq: int) -> None:
    draw = wire.random.random()
    if draw < 0.04:
        wire.values.append(event(venue, "disconnected" if draw < 0.03 else "dropped", n / 4, "a", seq))
    if draw > 0.97:
        trade = {"e": "trade", "E": 1, "s": "ETHUSDT", "p": "1.5", "q": "1", "T": 1, "m": True, "t": n // 2}
        wire.values.append(envelope("binance", {"data": trade}, "trade"))


Scenario = Callable[[str, Random], tuple[list[bytes | None], dict[int, Sides]]]
SCENARIOS: dict[str, Scenario] = {
    "binance": rest_scenario,
    "binance_usdm": rest_scenario,
    "deribit": deribit_scenario,
    "kraken": kraken_scenario,
}


def scenario(venue: str, seed: int) -> tuple[list[bytes | None], dict[int, Sides]]:
    """Values as they arrive, and the book as it was at each id that a record may carry."""
    values, truth = SCENARIOS[venue](venue, Random(f"{venue}/{seed}"))
    return values, {10 * at: sides for at, sides in truth.items()} if venue == "binance_usdm" else truth


def touch_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a record says of the best levels."""
    return tuple(row[name] for name in ("best_bid", "best_bid_size", "best_ask", "best_ask_size"))


def touch(sides: Sides) -> tuple[Any, ...]:
    """The same of a naive book."""
    return tuple(value for side in sides for value in (side[0] if side else (None, None)))


def top(line: bytes) -> tuple[int, Sides]:
    """Id and levels of a book record."""
    book = json.loads(line)
    return book["update_id"], tuple([tuple(level) for level in book[name]] for name in ("bids", "asks"))
