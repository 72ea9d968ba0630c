"""A venue on trial: simulated exchange, forwarder, broker and books job, with what each of them said kept aside."""

import asyncio
import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from confluent_kafka import Consumer, TopicPartition

from ingestion.forwarder.forwarder import Forwarder
from ingestion.routing import route
from ingestion.simulator import Config, Fault, Simulator, simulator
from ingestion.simulator.listing import Publication, Truth, Wanted
from market.records import Envelope, Processed
from market.topics import BOOKS, RAW_BOOKS, RAW_TRADES, STATUS, record_key
from tests.ingestion.forwarder.harness import eventually, is_snapshot, settings
from tests.ingestion.forwarder.test_outage import made
from tests.jobs.desk import Desk

DEPTH = 10  # levels that metrics sum over
PATIENCE_S = 25
SETTLED_S = 3
SILENCE_S = 6  # longer than a halted market ever waits for the job
FOLLOWED = (RAW_BOOKS, RAW_TRADES, STATUS, BOOKS)


@dataclass(frozen=True)
class Trouble:
    """Faults, given a symbol, and what `orderbook.status` must tell since, as patterns over the states.

    `hurt` is of that symbol, `others` of the venue's other ones.
    """

    name: str
    faults: Callable[[str], tuple[Fault, ...]]
    hurt: str
    others: str


class Tail:
    """What the topics of a desk hold, committed or not, as it comes."""

    def __init__(self, desk: Desk) -> None:
        self.envelopes: defaultdict[str, list[Envelope]] = defaultdict(list)  # by key
        self.states: defaultdict[str, list[str]] = defaultdict(list)
        self.books: dict[str, Any] = {}
        prefix = desk.settings.topic_prefix
        names = [topic.name for topic in FOLLOWED]
        self._names = {prefix + name: name for name in names}
        self._consumer = Consumer(
            {"bootstrap.servers": desk.stack.kafka, "group.id": "tail", "isolation.level": "read_uncommitted"}
        )
        self._consumer.assign([TopicPartition(name, number, 0) for name in self._names for number in (0, 1)])

    async def follow(self) -> None:
        """Until cancelled."""
        try:
            while True:
                for message in self._consumer.consume(2000, timeout=0):
                    self._take(self._names[message.topic() or ""], (message.key() or b"").decode(), message.value())
                await asyncio.sleep(0.02)
        finally:
            self._consumer.close()

    def _take(self, topic: str, key: str, value: bytes | None) -> None:
        if topic in (RAW_BOOKS.name, RAW_TRADES.name):
            self.envelopes[key].append(msgspec.json.decode(value or b"", type=Envelope))
        elif topic == STATUS.name:
            self.states[key].append(json.loads(value or b"")["state"])
        else:
            self.books[key] = json.loads(value or b"")


class Witness:
    """The book after every step of a simulated market: what any metrics must have been computed from."""

    def __init__(self, exchange: Simulator) -> None:
        self._figures: defaultdict[str, list[tuple[int, tuple[float, ...]]]] = defaultdict(list)
        self._by_time = exchange.config.venue == "kraken"  # its snapshots have a time of their own and no number
        model = exchange.front.exchange
        advance = model.advance

        def observed(symbol: str, time_us: int, wanted: Wanted) -> Iterable[Publication]:
            yield from advance(symbol, time_us, wanted)
            self._see(model.truth(symbol, DEPTH))

        model.advance = observed  # type: ignore[method-assign]
        for symbol in exchange.config.traded:
            self._see(model.truth(symbol, DEPTH))

    def _see(self, truth: Truth) -> None:
        self._figures[truth.symbol].append((truth.update_id, figures(truth.bids, truth.asks)))

    def agrees(self, record: Processed) -> bool:
        """Whether the record is of the book as it was at its update id."""
        seen = self._figures[record.symbol]
        at = bisect_right(seen, record.update_id, key=lambda each: each[0]) - 1
        if at < 0 or not (self._by_time or seen[at][0] == record.update_id):
            return False
        touch = (record.best_bid, record.best_bid_size, record.best_ask, record.best_ask_size)
        return seen[at][1] == (*touch, record.bid_depth, record.ask_depth)


def figures(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> tuple[float, ...]:
    """Touch and depths of a book."""
    return (*bids[0], *asks[0], sum(size for _, size in bids), sum(size for _, size in asks))


class Trial:
    """One venue's."""

    def __init__(self, exchange: Simulator, forwarder: Forwarder, tail: Tail) -> None:
        self.exchange = exchange
        self.witness = Witness(exchange)
        self.symbols = exchange.config.traded
        self._forwarder = forwarder
        self._tail = tail
        self._venue = exchange.config.venue

    def key(self, symbol: str) -> str:
        return record_key(self._venue, symbol)

    async def undergo(self, trouble: Trouble) -> None:
        """Meet a trouble under way, wait until it was told and every book is the truth again."""
        hurt = self.symbols[0]
        marks = {symbol: len(self._tail.states[self.key(symbol)]) for symbol in self.symbols}
        patterns = {symbol: trouble.hurt if symbol == hurt else trouble.others for symbol in self.symbols}

        def stories() -> dict[str, str]:
            return {symbol: " ".join(self._tail.states[self.key(symbol)][marks[symbol] :]) for symbol in self.symbols}

        def told() -> bool:
            return all(re.fullmatch(patterns[symbol], story) for symbol, story in stories().items())

        self.exchange.run_market(True)
        for fault in trouble.faults(hurt):
            self.exchange.inject(fault)
        self.exchange.step(5)
        await until(told, lambda: f"{self._venue} {trouble.name}: expected {patterns}, told {stories()}")
        await self.recovered()
        assert told(), f"{self._venue} {trouble.name}: expected {patterns}, told {stories()}"

    async def recovered(self) -> None:
        """Every book is in sync and, the market halted, the truth that REST tells.

        One that turns out lost only by the last step asks again as frames come, so the market then goes on once more.
        """
        for _ in range(int(PATIENCE_S / SETTLED_S)):
            self.exchange.run_market(True)
            await until(self._synced, lambda: f"{self._venue}: {dict(self._tail.states)}")
            self.exchange.run_market(False)
            self.exchange.step()
            truths = {symbol: await self._truth(symbol) for symbol in self.symbols}
            try:
                await asyncio.wait_for(eventually(lambda truths=truths: self._equal(truths)), SETTLED_S)
                return
            except asyncio.TimeoutError:
                continue
        raise AssertionError(f"{self._venue}: no book equals {truths}: {self._tail.books}")

    async def complete(self) -> None:
        """Every frame that the exchange sent on its present connections is on the raw topics."""
        conns = {session.conn for session in self._forwarder.pool.sessions()}
        sent: Counter[tuple[str, str]] = Counter()
        for connection in self.exchange.connections.values():
            sent += connection.sent

        def arrived() -> Counter[tuple[str, str]]:
            found: Counter[tuple[str, str]] = Counter()
            for symbol in self.symbols:
                for each in self._tail.envelopes[self.key(symbol)]:
                    if each.conn in conns and each.channel != "connection" and not is_snapshot(each):
                        topic = route(self._venue, each.channel, symbol).topic
                        found[symbol, "trade" if topic == RAW_TRADES.name else "book"] += 1
            return found

        await until(lambda: arrived() == sent, lambda: f"{self._venue}: sent {sent}, on the topics {arrived()}")

    def _synced(self) -> bool:
        return all(self._tail.states[self.key(symbol)][-1:] == ["synced"] for symbol in self.symbols)

    def _equal(self, truths: dict[str, Any]) -> bool:
        compared = DEPTH if self._venue == "kraken" else None
        books = {symbol: self._tail.books.get(self.key(symbol), {}) for symbol in truths}
        return self._synced() and all(
            books[symbol].get(side, ())[:compared] == truth[side][:compared]
            for symbol, truth in truths.items()
            for side in ("bids", "asks")
        )

    async def _truth(self, symbol: str) -> Any:
        """The best levels as the control port tells them, as many as the job publishes."""
        query = {"symbol": symbol, "depth": "20"}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.exchange.control_url}/truth", params=query) as said,
        ):
            return await said.json()


async def until(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait until it holds. Raises AssertionError with what is so instead."""
    try:
        await asyncio.wait_for(eventually(condition), PATIENCE_S)
    except asyncio.TimeoutError:
        raise AssertionError(otherwise()) from None


@asynccontextmanager
async def on_trial(venue: str, desk: Desk, tail: Tail, folder: Path) -> AsyncIterator[Trial]:
    """A venue's exchange and forwarder while the context lasts; the forwarder stops cleanly."""
    async with simulator(Config(venue, rate=20)) as exchange:
        said = settings(
            exchange,
            folder,
            kafka_bootstrap_servers=desk.stack.kafka,
            topic_prefix=desk.settings.topic_prefix,
            silence_s=SILENCE_S,
        )
        forwarder, stop = made(said), asyncio.Event()
        trial = Trial(exchange, forwarder, tail)
        task = asyncio.create_task(forwarder.run(stop))
        try:
            yield trial
        finally:
            stop.set()
            await task
