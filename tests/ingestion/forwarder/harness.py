"""A forwarder between a simulated exchange and a broker in memory, which keeps books and asks for lost ones."""

import asyncio
import functools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from time import time
from typing import Any, TypeAlias

import msgspec

from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.outlet import Outlet
from ingestion.forwarder.resync import Tell
from ingestion.forwarder.settings import ForwardSettings
from ingestion.forwarder.spill import Spill
from ingestion.routing import route
from ingestion.simulator import Simulator
from market.keeper import Keeper, KeeperConfig
from market.records import Envelope, Resync, Status, TopOfBook
from market.topics import RAW_TRADES

LIMIT_S = 60
SETTLED_S = 2
CONFIG = KeeperConfig(levels=1000, resync_first_s=0.2, resync_max_s=1.0)
KRAKEN_DEPTH = 25


class Acknowledged:
    """A future of the client that is done."""

    def add_callback(self, call: Callable[..., object], *args: object) -> None:
        call(*args, None)


class Broker:
    """Takes records, or holds them back while `away`. Keeps a book for every key, and passes on what it asks for."""

    def __init__(self) -> None:
        self.sent_bytes = 0
        self.acknowledged_bytes = 0
        self.away = False
        self.envelopes: defaultdict[str, list[Envelope]] = defaultdict(list)
        self.keepers: dict[str, Keeper] = {}
        self.books: dict[str, TopOfBook] = {}
        self.statuses: defaultdict[str, list[Status]] = defaultdict(list)
        self.rejects: list[str] = []
        self.tell: Tell = lambda request, told_ms: None
        self.closed = False
        self._held: list[bytes] = []
        self._one_thread = Lock()

    def start(self, tell: Tell) -> None:
        self.tell = tell

    def stop(self) -> None:
        self.tell = lambda request, told_ms: None

    def write(self, name: str, key: bytes, value: bytes) -> Acknowledged:
        with self._one_thread:
            self.sent_bytes += len(value)
            self._held.append(value)
            if not self.away:
                self._take()
        return Acknowledged()

    @property
    def unacknowledged(self) -> int:
        """Held back; two forwarders may be writing."""
        with self._one_thread:
            return len(self._held)

    def back(self) -> None:
        """No longer away: acknowledge what was held back."""
        with self._one_thread:
            self.away = False
            self._take()

    def _take(self) -> None:
        held, self._held = self._held, []
        for value in held:
            self._keep(value)
            self.acknowledged_bytes += len(value)

    def flush(self, timeout_s: float | None = None) -> None:
        """Nothing waits unless the broker is away."""

    def close(self) -> None:
        self.closed = True

    def batch_bytes(self) -> float:
        return 0.0

    def frames(self, symbol: str) -> list[Envelope]:
        """What came of a symbol, in order; connection events left out."""
        return [each for each in self.envelopes[symbol] if each.channel != "connection"]

    def events(self, symbol: str) -> list[str]:
        return [str(each.event) for each in self.envelopes[symbol] if each.channel == "connection"]

    def states(self, symbol: str) -> list[str]:
        return [status.state for status in self.statuses[symbol]]

    def _keep(self, value: bytes) -> None:
        envelope = msgspec.json.decode(value, type=Envelope)
        symbol = envelope.symbol
        self.envelopes[symbol].append(envelope)
        keeper = self.keepers.setdefault(symbol, Keeper(envelope.venue, symbol, CONFIG))
        batch = keeper.apply_all([value])
        self.statuses[symbol] += [msgspec.json.decode(line, type=Status) for line in batch.statuses]
        self.rejects += [reject.reason for reject in batch.rejects]
        if batch.book:
            self.books[symbol] = msgspec.json.decode(batch.book, type=TopOfBook)
        for line in batch.resyncs:
            self.tell(msgspec.json.decode(line, type=Resync), int(time() * 1000))


class Running:
    """A forwarder at work."""

    def __init__(self, forwarder: Forwarder, broker: Broker, task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
        self.forwarder = forwarder
        self.broker = broker
        self.task = task
        self._stop = stop

    async def stop(self) -> None:
        """As SIGTERM would."""
        self._stop.set()
        await self.task

    def subscribed(self) -> bool:
        places = self.forwarder.pool.places
        return bool(places) and all(
            link.session is not None and link.session.streams.complete for place in places for link in place.links
        )

    def equals(self, exchange: Simulator, symbol: str) -> bool:
        """Whether the book of the newest record is the exchange's."""
        book = self.broker.books.get(symbol)
        truth = exchange.truth(symbol, KRAKEN_DEPTH if exchange.config.venue == "kraken" else None)
        keeper = self.broker.keepers.get(symbol)
        if keeper is None or book is None or not keeper.live:
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
) -> AsyncIterator[Running]:
    """A forwarder that runs while the context lasts."""
    said = settings(exchange, folder, **changes)
    broker = broker or Broker()
    spill = Spill(folder, int(said.spill_mb * 1024 * 1024))
    outlet = Outlet(broker, spill, int(said.queue_mb * 1024 * 1024), int(said.window_mb * 1024 * 1024))
    forwarder, stop = Forwarder(said, [outlet], broker), asyncio.Event()
    running = Running(forwarder, broker, asyncio.create_task(forwarder.run(stop)), stop)
    try:
        yield running
    finally:
        stop.set()
        await asyncio.gather(running.task, return_exceptions=True)


def is_snapshot(envelope: Envelope) -> bool:
    """By REST, or in band: the simulator counts neither among what it sent."""
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


def lasting(limit_s: float) -> Callable[[Test], Callable[..., None]]:
    """Run a test to its end, within a limit."""

    def wrap(test: Test) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **named: Any) -> None:
            asyncio.run(asyncio.wait_for(test(*args, **named), limit_s))

        return run

    return wrap


soon = lasting(LIMIT_S)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    while not condition():  # noqa: ASYNC110 - nothing signals what a test waits for
        await asyncio.sleep(0.01)


async def caught_up(running: Running, exchange: Simulator) -> None:
    """Wait until every book is synced and, the market halted, the truth.

    A book that turns out lost only by the last step asks again as frames come, so the market then goes on once more.
    """
    symbols, keepers = exchange.config.traded, running.broker.keepers
    while True:
        exchange.run_market(True)
        await eventually(lambda: all(symbol in keepers and keepers[symbol].live for symbol in symbols))
        exchange.run_market(False)
        exchange.step()
        try:
            await asyncio.wait_for(
                eventually(lambda: all(running.equals(exchange, symbol) for symbol in symbols)), SETTLED_S
            )
            return
        except asyncio.TimeoutError:
            continue
