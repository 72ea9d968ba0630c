"""A market that moves: eight books on three exchanges, their trades and alerts, written as the cache job does."""

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import msgspec

from core.records import Alert, TopOfBook, Trade
from tests.dashboard.chain_market import publish_chain
from tests.gateway.feeder import Feeder

LEVELS = 20
DEPTH = 10  # levels that metrics sum over


@dataclass
class MovingBook:
    """One book. `tick`: price step; `size`: usual size of a level. Updates are numbered by their time in ms."""

    venue: str
    symbol: str
    mid: float
    tick: float
    size: float
    random: Random
    sizes: dict[int, float] = field(default_factory=dict)  # by price in ticks
    drift: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"

    def step(self) -> None:
        """Move the price and some sizes."""
        self.drift = 0.9 * self.drift + self.random.gauss(0, 0.25)
        self.mid += self.drift * self.tick
        for _ in range(8):
            place = self._center() + self.random.randint(-LEVELS, LEVELS)
            self.sizes[place] = self._new_size(place)
        if len(self.sizes) > 4000:
            self.sizes = {place: size for place, size in self.sizes.items() if abs(place - self._center()) < 500}

    def levels(self) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Bids and asks, best first."""
        center = self._center()
        return [self._level(center - 1 - depth) for depth in range(LEVELS)], [
            self._level(center + 1 + depth) for depth in range(LEVELS)
        ]

    def record(self, at_ms: int) -> dict[str, Any]:
        """The record of `orderbook.processed` of the present levels."""
        bids, asks = self.levels()
        (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
        bid_depth, ask_depth = (sum(size for _, size in side[:DEPTH]) for side in (bids, asks))
        mid, spread = (bid + ask) / 2, ask - bid
        return {
            "venue": self.venue,
            "symbol": self.symbol,
            "event_time": at_ms,
            "recv_us": at_ms * 1000,
            "update_id": at_ms,
            "best_bid": bid,
            "best_bid_size": bid_size,
            "best_ask": ask,
            "best_ask_size": ask_size,
            "mid": mid,
            "microprice": (bid * ask_size + ask * bid_size) / (bid_size + ask_size),
            "spread": spread,
            "spread_bps": 1e4 * spread / mid,
            "bid_depth": bid_depth,
            "ask_depth": ask_depth,
            "imbalance": (bid_depth - ask_depth) / (bid_depth + ask_depth),
            "weighted_imbalance": 0.0,
            "vtob": None,
            "ofi": self.random.gauss(self.drift, 1) * self.size,
            "levels_bid": LEVELS,
            "levels_ask": LEVELS,
            "depth": DEPTH,
            "flags": [],
        }

    def _center(self) -> int:
        return round(self.mid / self.tick)

    def _level(self, place: int) -> tuple[float, float]:
        if place not in self.sizes:
            self.sizes[place] = self._new_size(place)
        return round(place * self.tick, 8), self.sizes[place]

    def _new_size(self, place: int) -> float:
        wall = 4.0 if place % 25 == 0 else 1.0
        return round(self.size * wall * math.exp(self.random.gauss(0, 0.6)), 4)


def eight_books() -> list[MovingBook]:
    """Three coins on three exchanges."""
    named = [
        ("binance", "BTCUSDT", 67_310.0, 0.5, 0.8),
        ("binance", "ETHUSDT", 3_412.0, 0.05, 9.0),
        ("binance", "SOLUSDT", 171.2, 0.01, 120.0),
        ("deribit", "BTC-PERPETUAL", 67_322.0, 0.5, 1.6),
        ("deribit", "ETH-PERPETUAL", 3_413.0, 0.05, 14.0),
        ("kraken", "BTC/USD", 67_305.0, 0.1, 0.5),
        ("kraken", "ETH/USD", 3_411.0, 0.01, 6.0),
        ("kraken", "SOL/USD", 171.1, 0.01, 90.0),
    ]
    return [
        MovingBook(venue, symbol, mid, tick, size, Random(number))
        for number, (venue, symbol, mid, tick, size) in enumerate(named)
    ]


class MovingMarket:
    """Writes books, trades and alerts to Redis."""

    def __init__(self, redis_url: str) -> None:
        self._lock = threading.RLock()
        self.feeder = Feeder(redis_url)
        self.books = eight_books()
        self._trades = 0

    def synchronize(self) -> None:
        """Every book is in sync, with a first record."""
        for book in self.books:
            self.state(book, "synced")
            self.publish(book)

    def publish(self, book: MovingBook, at_ms: int | None = None) -> dict[str, Any]:
        """One update of a book; its record."""
        at_ms = now_ms() if at_ms is None else at_ms
        book.step()
        record = book.record(at_ms)
        bids, asks = book.levels()
        levels = TopOfBook(book.venue, book.symbol, at_ms, at_ms * 1000, at_ms, bids, asks)
        self._process("orderbook.processed", book, json.dumps(record).encode())
        self._process("orderbook.books", book, msgspec.json.encode(levels))
        return record

    def state(self, book: MovingBook, state: str, reason: str = "snapshot") -> int:
        """A change of a book's state; its time."""
        now = now_ms()
        with self._lock:
            self.feeder.state(state, now, reason, key=book.key)
        return now

    def trade(self, book: MovingBook) -> None:
        """A trade at the touch, on the side of the drift."""
        self._trades += 1
        now, (bids, asks) = now_ms(), book.levels()
        side = "buy" if book.drift > 0 else "sell"
        price = (asks if side == "buy" else bids)[0][0]
        trade = Trade(book.venue, book.symbol, now, now * 1000, f"{now}-{self._trades}", price, book.size / 10, side)
        self._process("trades", book, msgspec.json.encode(trade))

    def alert(self, book: MovingBook, rule: str = "extreme_imbalance", severity: str = "medium") -> Alert:
        """An alert of an episode of its own."""
        now = now_ms()
        name = f"{rule}|{book.venue}|{book.symbol}|{now}|enter"
        text = f"{book.key} {rule} enter: value 0.6100, threshold 0.5000 ({severity})"
        found = Alert(name, book.venue, book.symbol, rule, severity, "enter", now, now, 0.61, 0.5, text)
        self._process("orderbook.alerts", book, msgspec.json.encode(found))
        return found

    def step(self) -> None:
        """One update of every book, and now and then a trade or an alert."""
        for book in self.books:
            self.publish(book)
            if book.random.random() < 0.15:
                self.trade(book)
            if book.random.random() < 0.002:
                rule = book.random.choice(["extreme_imbalance", "spread_widening", "liquidity_withdrawal"])
                self.alert(book, rule, book.random.choice(["medium", "high"]))

    def chain(self) -> None:
        """One second of the option chain."""
        with self._lock:
            publish_chain(self.feeder, now_ms())

    @contextmanager
    def moving(self, per_second: int = 10, chain: bool = False) -> Iterator[None]:
        """Steps in a thread until the end of the block; with `chain` the option chain as well, once a second."""
        ended = threading.Event()

        def move() -> None:
            for number in count():
                if ended.wait(1 / per_second):
                    return
                self.step()
                if chain and number % per_second == 0:
                    self.chain()

        thread = threading.Thread(target=move)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _process(self, topic: str, book: MovingBook, line: bytes) -> None:
        with self._lock:
            self.feeder.process(topic, book.key, line)

    def close(self) -> None:
        self.feeder.close()


def now_ms() -> int:
    """Epoch ms."""
    return time.time_ns() // 1_000_000
