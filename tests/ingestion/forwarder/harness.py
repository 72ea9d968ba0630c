"""Runs a forwarder between a simulated exchange and a broker in memory that builds books and requests resyncs."""

import asyncio
import functools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import Any, TypeAlias

import msgspec
from prometheus_client import CollectorRegistry

from core.kafka_client import python_client_options
from core.records import Envelope, Resync, Status, TopOfBook
from core.topics import RAW_TRADES
from ingestion.background import OnFailure
from ingestion.forwarder.buffered_producer import BufferedProducer
from ingestion.forwarder.cli import buffered_producer, create_topics
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.metrics import LatencyMetrics
from ingestion.forwarder.plan import make_plan
from ingestion.forwarder.resync import ResyncHandler, ResyncReader
from ingestion.forwarder.settings import ForwardSettings
from ingestion.forwarder.spill import Spill
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator import Simulator
from venues.registry import VENUES
from venues.routing import route

LIMIT_S = 60
SILENT_S = 2
CONFIG = BookConfig(levels=1000, resync_first_s=0.2, resync_max_s=1.0)
KRAKEN_DEPTH = 25


class CompletedFuture:
    """A future of the client whose record is acknowledged."""

    def add_callback(self, callback: Callable[..., object], *args: object) -> None:
        callback(*args, None)


class Broker:
    """Kafka client, broker and books job in memory.

    Acknowledges records unless `down`. Builds a book for every symbol and passes its resync requests to the forwarder.
    """

    def __init__(self) -> None:
        self.sent_bytes = 0
        self.acknowledged_bytes = 0
        self.down = False
        self.envelopes: defaultdict[str, list[Envelope]] = defaultdict(list)
        self.builders: dict[str, BookBuilder] = {}
        self.books: dict[str, TopOfBook] = {}
        self.statuses: defaultdict[str, list[Status]] = defaultdict(list)
        self.rejects: list[str] = []
        self.on_request: ResyncHandler = lambda request, requested_at: None
        self.failures, self.failure = 0, ""
        self.closed = False
        self._waiting: list[bytes] = []
        self._lock = Lock()

    def start(self, handler: ResyncHandler, on_failure: OnFailure) -> None:
        self.on_request = handler

    def stop(self) -> None:
        self.on_request = lambda request, requested_at: None

    def write(self, name: str, key: bytes, value: bytes) -> CompletedFuture:
        with self._lock:
            self.sent_bytes += len(value)
            self._waiting.append(value)
            if not self.down:
                self._acknowledge()
        return CompletedFuture()

    @property
    def unacknowledged(self) -> int:
        """Records that wait for an acknowledgement; two forwarders may be writing."""
        with self._lock:
            return len(self._waiting)

    def recover(self) -> None:
        """End an outage: acknowledge the waiting records."""
        with self._lock:
            self.down = False
            self._acknowledge()

    def _acknowledge(self) -> None:
        waiting, self._waiting = self._waiting, []
        for value in waiting:
            self._apply(value)
            self.acknowledged_bytes += len(value)

    def flush(self, timeout_s: float | None = None) -> None:
        """Return at once: records wait only during an outage."""

    def close(self) -> None:
        self.closed = True

    def batch_bytes(self) -> float:
        return 0.0

    def knows(self, name: str) -> bool:
        return True

    def frames(self, symbol: str) -> list[Envelope]:
        """Envelopes of a symbol in order, without connection events."""
        return [each for each in self.envelopes[symbol] if each.channel != "connection"]

    def events(self, symbol: str) -> list[str]:
        return [str(each.event) for each in self.envelopes[symbol] if each.channel == "connection"]

    def states(self, symbol: str) -> list[str]:
        return [status.state for status in self.statuses[symbol]]

    def _apply(self, value: bytes) -> None:
        envelope = msgspec.json.decode(value, type=Envelope)
        symbol = envelope.symbol
        self.envelopes[symbol].append(envelope)
        builder = self.builders.setdefault(
            symbol, BookBuilder(envelope.venue, symbol, CONFIG, VENUES[envelope.venue].open_book_sync)
        )
        batch = builder.apply_all([value])
        self.statuses[symbol] += [msgspec.json.decode(line, type=Status) for line in batch.statuses]
        self.rejects += [reject.reason for reject in batch.rejects]
        if batch.book:
            self.books[symbol] = msgspec.json.decode(batch.book, type=TopOfBook)
        for line in batch.resyncs:
            self.on_request(msgspec.json.decode(line, type=Resync), monotonic())


class RunningForwarder:
    """A forwarder that is running."""

    def __init__(self, forwarder: Forwarder, broker: Broker, task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
        self.forwarder = forwarder
        self.broker = broker
        self.task = task
        self._stop = stop

    async def stop(self) -> None:
        """Stop as SIGTERM does."""
        self._stop.set()
        await self.task

    def subscribed(self) -> bool:
        slots = self.forwarder.pool.slots
        return bool(slots) and all(
            connection.session is not None and connection.session.subscriptions.complete
            for slot in slots
            for connection in slot.connections
        )

    def book_matches(self, exchange: Simulator, symbol: str) -> bool:
        """True if the newest book equals the exchange's."""
        book = self.broker.books.get(symbol)
        truth = exchange.reference_book(symbol, KRAKEN_DEPTH if exchange.config.venue == "kraken" else None)
        builder = self.broker.builders.get(symbol)
        if builder is None or book is None or not builder.synced:
            return False
        return (book.bids, book.asks) == (truth.bids, truth.asks)


def settings(exchange: Simulator, folder: Path, **changes: Any) -> ForwardSettings:
    """Settings for a simulated exchange, quick to reconnect."""
    given = {
        "_env_file": None,
        "venue": exchange.config.venue,
        "symbols": ",".join(exchange.config.traded),
        "ws_url": exchange.ws_url,
        "rest_url": exchange.rest_url,
        "spill_dir": folder,
        "reconnect_first_s": 0.05,
        "reconnect_most_s": 0.4,
        "drain_s": 5,
    }
    return ForwardSettings(**(given | changes))


@asynccontextmanager
async def forwarding(
    exchange: Simulator, folder: Path, broker: Broker | None = None, **changes: Any
) -> AsyncIterator[RunningForwarder]:
    """Run a forwarder within the context."""
    config = settings(exchange, folder, **changes)
    broker = broker or Broker()
    spill = Spill(folder, int(config.spill_mb * 1024 * 1024))
    producer = BufferedProducer(broker, spill, int(config.queue_mb * 1024 * 1024), int(config.window_mb * 1024 * 1024))
    forwarder, stop = Forwarder(make_plan(config), [producer], broker), asyncio.Event()
    running = RunningForwarder(forwarder, broker, asyncio.create_task(forwarder.run(stop)), stop)
    try:
        yield running
    finally:
        stop.set()
        await asyncio.gather(running.task, return_exceptions=True)


def kafka_forwarder(config: ForwardSettings) -> Forwarder:
    """Forwarder that writes to the Kafka broker of its settings, with the topics that the command creates."""
    create_topics(config)
    producer = buffered_producer(config, LatencyMetrics(config.venue, CollectorRegistry()))
    return Forwarder(make_plan(config), [producer], ResyncReader(python_client_options(config), config.topic_prefix))


def is_snapshot(envelope: Envelope) -> bool:
    """True for a snapshot by REST or in the stream: the simulator does not count either as sent."""
    in_band = isinstance(envelope.frame, msgspec.Raw) and b'"type":"snapshot"' in bytes(envelope.frame)[:200]
    return envelope.channel == "snapshot" or in_band


def assert_no_holes(envelopes: Mapping[str, Iterable[Envelope]]) -> None:
    """`seq` counts up without holes on every connection, topic and symbol, from 0 at each subscription."""
    last: dict[tuple[str, str, bool], int] = {}
    for symbol, each_of in envelopes.items():
        for each in each_of:
            key = (each.conn, symbol, route(each.venue, each.channel, symbol).topic == RAW_TRADES.name)
            assert each.seq in (0, last.get(key, -1) + 1)
            last[key] = each.seq


Test: TypeAlias = Callable[..., Coroutine[Any, Any, None]]


def time_limit(limit_s: float) -> Callable[[Test], Callable[..., None]]:
    """Run an asynchronous test with a time limit in seconds."""

    def wrap(test: Test) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **named: Any) -> None:
            asyncio.run(asyncio.wait_for(test(*args, **named), limit_s))

        return run

    return wrap


within_a_minute = time_limit(LIMIT_S)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition is true."""
    while not condition():  # noqa: ASYNC110 - nothing signals what a test waits for
        await asyncio.sleep(0.01)


def wait_for(condition: Callable[[], bool], limit_s: float = 10) -> None:
    """Wait until the condition is true, outside an event loop."""
    end = monotonic() + limit_s
    while not condition():
        assert monotonic() < end, "the condition did not become true"
        sleep(0.005)


async def wait_until_books_match(running: RunningForwarder, exchange: Simulator) -> None:
    """Wait until every book is synced and, with the market halted, equals the exchange's.

    A gap that only the last step reveals is repaired by later frames, so the market then runs once more.
    """
    symbols, builders = exchange.config.traded, running.broker.builders

    def match() -> bool:
        return all(running.book_matches(exchange, symbol) for symbol in symbols)

    while True:
        exchange.run_market(True)
        await eventually(lambda: all(symbol in builders and builders[symbol].synced for symbol in symbols))
        exchange.run_market(False)
        exchange.step()
        if await _before_silence(match, running.broker):
            return


async def _before_silence(condition: Callable[[], bool], broker: Broker) -> bool:
    """Wait until the condition is true, or until no book has changed for SILENT_S.

    A slow machine may take long for what is on its way. Renewed connections change no book of a halted market.
    """
    books, since = dict(broker.books), monotonic()
    while not condition():
        if broker.books != books:
            books, since = dict(broker.books), monotonic()
        if monotonic() - since > SILENT_S:
            return False
        await asyncio.sleep(0.01)
    return True
