"""Fault scenarios of one venue: simulated exchange, forwarder, broker and books job, with a reference of each book."""

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

from core.records import Envelope, Processed
from core.topics import BOOKS, RAW_BOOKS, RAW_TRADES, STATUS, record_key
from ingestion.forwarder.forwarder import Forwarder
from simulator import Config, Fault, Simulator, simulator
from simulator.publication import HasSubscribers, Publication, ReferenceBook
from tests.ingestion.forwarder.harness import eventually, is_snapshot, kafka_forwarder, settings
from tests.jobs.isolated_system import IsolatedSystem
from venues.routing import route

DEPTH = 10  # levels that metrics sum over
TIMEOUT_S = 60
SETTLED_S = 3
SILENCE_S = 6  # longer than a halted market waits for the job
CHANNELS = {"binance_usdm": "depth@100ms,trade"}  # `trade` has fillers; other venues: their default channels
TOPICS = (RAW_BOOKS, RAW_TRADES, STATUS, BOOKS)


@dataclass(frozen=True)
class FaultCase:
    """Faults for a given symbol, and the states that `orderbook.status` must show afterwards, as patterns.

    `affected` applies to that symbol, `others` to the venue's other symbols. `renews`: the forwarder must subscribe the
    symbol again.
    """

    name: str
    faults: Callable[[str], tuple[Fault, ...]]
    affected: str
    others: str
    renews: bool = False


class TopicReader:
    """Reads the topics of an isolated system, committed or not, as records arrive."""

    def __init__(self, system: IsolatedSystem) -> None:
        self.envelopes: defaultdict[str, list[Envelope]] = defaultdict(list)  # by key
        self.states: defaultdict[str, list[str]] = defaultdict(list)
        self.books: dict[str, Any] = {}
        prefix = system.settings.topic_prefix
        names = [topic.name for topic in TOPICS]
        self._names = {prefix + name: name for name in names}
        self._consumer = Consumer(
            {"bootstrap.servers": system.stack.kafka, "group.id": "scenario", "isolation.level": "read_uncommitted"}
        )
        self._consumer.assign([TopicPartition(name, number, 0) for name in self._names for number in (0, 1)])

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                for message in self._consumer.consume(2000, timeout=0):
                    self._store(self._names[message.topic() or ""], (message.key() or b"").decode(), message.value())
                await asyncio.sleep(0.02)
        finally:
            self._consumer.close()

    def _store(self, topic: str, key: str, value: bytes | None) -> None:
        if topic in (RAW_BOOKS.name, RAW_TRADES.name):
            self.envelopes[key].append(msgspec.json.decode(value or b"", type=Envelope))
        elif topic == STATUS.name:
            self.states[key].append(json.loads(value or b"")["state"])
        else:
            self.books[key] = json.loads(value or b"")


class ReferenceBooks:
    """Best levels after every step of a simulated market, to check metrics against."""

    def __init__(self, exchange: Simulator) -> None:
        self._by_id: defaultdict[tuple[str, int], set[tuple[float, ...]]] = defaultdict(set)  # ids may restart
        self._by_time: defaultdict[str, list[tuple[int, tuple[float, ...]]]] = defaultdict(list)
        self._has_ids = exchange.config.venue != "kraken"  # whose snapshots have their own time and no number
        model = exchange.frontend.exchange
        advance = model.advance

        def recorded(symbol: str, time_us: int, has_subscribers: HasSubscribers) -> Iterable[Publication]:
            yield from advance(symbol, time_us, has_subscribers)
            self._add(model.reference_book(symbol, DEPTH))

        model.advance = recorded  # type: ignore[method-assign]
        for symbol in exchange.config.traded:
            self._add(model.reference_book(symbol, DEPTH))

    def _add(self, book: ReferenceBook) -> None:
        values = book_values(book.bids, book.asks)
        self._by_id[book.symbol, book.update_id].add(values)
        self._by_time[book.symbol].append((book.update_id, values))

    def matches(self, record: Processed) -> bool:
        """True if the record was computed from the book at its update id."""
        touch = (record.best_bid, record.best_bid_size, record.best_ask, record.best_ask_size)
        values = (*touch, record.bid_depth, record.ask_depth)
        if self._has_ids:
            return values in self._by_id[record.symbol, record.update_id]
        by_time = self._by_time[record.symbol]
        at = bisect_right(by_time, record.update_id, key=lambda each: each[0]) - 1
        return at >= 0 and by_time[at][1] == values


def book_values(bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> tuple[float, ...]:
    """Touch and depths of a book, in the order of the fields of Processed."""
    return (*bids[0], *asks[0], sum(size for _, size in bids), sum(size for _, size in asks))


class VenueScenario:
    """Injects faults into one venue and waits for its recovery."""

    def __init__(self, exchange: Simulator, forwarder: Forwarder, topics: TopicReader) -> None:
        self.exchange = exchange
        self.reference = ReferenceBooks(exchange)
        self.symbols = exchange.config.traded
        self._forwarder = forwarder
        self._topics = topics
        self._venue = exchange.config.venue

    def key(self, symbol: str) -> str:
        return record_key(self._venue, symbol)

    async def inject_and_recover(self, case: FaultCase) -> None:
        """Inject faults into a running market; wait until the states match and every book equals the exchange's."""
        affected = self.symbols[0]
        starts = {symbol: len(self._topics.states[self.key(symbol)]) for symbol in self.symbols}
        patterns = {symbol: case.affected if symbol == affected else case.others for symbol in self.symbols}

        def states() -> dict[str, str]:
            return {
                symbol: " ".join(self._topics.states[self.key(symbol)][starts[symbol] :]) for symbol in self.symbols
            }

        def states_match() -> bool:
            return all(re.fullmatch(patterns[symbol], text) for symbol, text in states().items())

        self.exchange.run_market(True)
        renewed = self._forwarder.stats.silences.total()
        self._inject(case)
        if case.renews:
            await self._wait_until_renewed(case, renewed)
        await until(states_match, lambda: f"{self._venue} {case.name}: expected {patterns}, got {states()}")
        await self.wait_until_recovered()
        assert states_match(), f"{self._venue} {case.name}: expected {patterns}, got {states()}"

    def _inject(self, case: FaultCase) -> None:
        for fault in case.faults(self.symbols[0]):
            self.exchange.inject(fault)
        self.exchange.step(5)

    async def _wait_until_renewed(self, case: FaultCase, renewed: int) -> None:
        """Wait until the forwarder has found the affected book silent, once more than `renewed` times.

        A resync that the job requests at the start of the fault renews the subscription too, and ends the fault before
        the forwarder notices it: the book then sends frames again, and the fault is injected again.
        """
        affected, silences = self.symbols[0], self._forwarder.stats.silences

        def sent() -> dict[int, int]:
            return {each.number: each.sent[affected, "book"] for each in self.exchange.connections.values()}

        before = sent()

        def found() -> bool:
            nonlocal before
            if silences.total() == renewed and sent() != before:
                self._inject(case)
                before = sent()
            return silences.total() > renewed

        await until(found, lambda: f"{self._venue} {case.name}: not subscribed again; frames {before}, now {sent()}")
        assert {stream.symbol for stream in silences} == {affected}

    async def wait_until_recovered(self) -> None:
        """Wait until every book is synced and, with the market halted, equals the one served by REST.

        A gap that only the last step reveals is repaired by later frames, so the market then runs once more.
        """
        for _ in range(int(TIMEOUT_S / SETTLED_S)):
            self.exchange.run_market(True)
            await until(self._synced, lambda: f"{self._venue}: {dict(self._topics.states)}")
            self.exchange.run_market(False)
            self.exchange.step()
            truths = {symbol: await self._truth(symbol) for symbol in self.symbols}
            try:
                await asyncio.wait_for(eventually(lambda truths=truths: self._equal(truths)), SETTLED_S)
                return
            except asyncio.TimeoutError:
                continue
        raise AssertionError(f"{self._venue}: no book equals {truths}: {self._topics.books}")

    async def wait_until_complete(self) -> None:
        """Wait until every frame that the exchange sent on its open connections is on the raw topics."""
        conns = {session.conn for session in self._forwarder.pool.sessions()}
        sent: Counter[tuple[str, str]] = Counter()
        for connection in self.exchange.connections.values():
            sent += connection.sent

        def arrived() -> Counter[tuple[str, str]]:
            counts: Counter[tuple[str, str]] = Counter()
            for symbol in self.symbols:
                for each in self._topics.envelopes[self.key(symbol)]:
                    if each.conn in conns and each.channel != "connection" and not is_snapshot(each):
                        topic = route(self._venue, each.channel, symbol).topic
                        counts[symbol, "trade" if topic == RAW_TRADES.name else "book"] += 1
            return counts

        await until(lambda: arrived() == sent, lambda: f"{self._venue}: sent {sent}, on the topics {arrived()}")

    def _synced(self) -> bool:
        return all(self._topics.states[self.key(symbol)][-1:] == ["synced"] for symbol in self.symbols)

    def _equal(self, truths: dict[str, Any]) -> bool:
        levels = DEPTH if self._venue == "kraken" else None
        books = {symbol: self._topics.books.get(self.key(symbol), {}) for symbol in truths}
        return self._synced() and all(
            books[symbol].get(side, ())[:levels] == truth[side][:levels]
            for symbol, truth in truths.items()
            for side in ("bids", "asks")
        )

    async def _truth(self, symbol: str) -> Any:
        """Best levels from the control port, as many as the job publishes."""
        query = {"symbol": symbol, "depth": "20"}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.exchange.control_url}/truth", params=query) as response,
        ):
            return await response.json()


async def until(condition: Callable[[], bool], message: Callable[[], str]) -> None:
    """Wait until the condition is true. Raises AssertionError with `message()` on timeout."""
    try:
        await asyncio.wait_for(eventually(condition), TIMEOUT_S)
    except asyncio.TimeoutError:
        raise AssertionError(message()) from None


@asynccontextmanager
async def running_scenario(
    venue: str, system: IsolatedSystem, topics: TopicReader, folder: Path
) -> AsyncIterator[VenueScenario]:
    """Run a venue's exchange and forwarder within the context; the forwarder stops cleanly."""
    async with simulator(Config(venue, rate=20)) as exchange:
        config = settings(
            exchange,
            folder,
            kafka_bootstrap_servers=system.stack.kafka,
            topic_prefix=system.settings.topic_prefix,
            silence_s=SILENCE_S,
            book_silence_s=SILENCE_S,
            channels=CHANNELS.get(venue, ""),
        )
        forwarder, stop = kafka_forwarder(config), asyncio.Event()
        scenario = VenueScenario(exchange, forwarder, topics)
        task = asyncio.create_task(forwarder.run(stop))
        try:
            yield scenario
        finally:
            stop.set()
            await task
