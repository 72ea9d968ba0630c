"""A simulated exchange that runs: its market's pace, its connections, and the handles to steer it by. No sockets."""

from collections.abc import Callable, Iterable
from time import monotonic, time

from ingestion.simulator.conditions import Conditions
from ingestion.simulator.config import Address, Config
from ingestion.simulator.connection import Connection, Surroundings
from ingestion.simulator.exchange import UnknownSymbolError
from ingestion.simulator.faults import Drop, Fault, FrameFault, Freeze, Refuse, Restart, SlowSnapshot
from ingestion.simulator.limits import Window
from ingestion.simulator.listing import Publication, Truth
from ingestion.simulator.pace import Pace
from ingestion.simulator.venues import World, open_venue
from ingestion.simulator.venues.deribit_chain import ChainListing
from ingestion.simulator.venues.rules import LIMITS

SERVICE_RESTART = 1012
CHECKSUM_VENUES = frozenset({"kraken"})
REST_VENUES = frozenset({"binance", "binance_usdm", "deribit"})


class FaultError(ValueError):
    """The venue or the present state has no place for this fault."""


class Simulator(Address):
    """Made by `simulator`; all methods belong to its event loop. `connections`: those open now, by number."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.limits = config.limits or LIMITS[config.venue]
        self.connections: dict[int, Connection] = {}
        self.connects = Window(self.limits.connects, self.limits.connects_s)
        start, anchor = time(), monotonic()
        # The wall clock, except that it never steps back.
        self.clock: Callable[[], float] = lambda: start + (monotonic() - anchor)
        self.front = open_venue(config.venue, World(config, int(start * 1e6)), self.limits)
        self.around = Surroundings(self.front.exchange, Conditions(), self.clock)
        self.pace = Pace(list(self.front.exchange.listings), config.rate, self.clock, self._step, config.seed)
        self.pace.run_market(config.running)

    def truth(self, symbol: str, depth: int | None = None) -> Truth:
        """The model's book now. Raises UnknownSymbolError."""
        return self.front.exchange.truth(symbol, depth)

    def run_market(self, running: bool) -> None:
        """Let the market run, or halt it: connections, heartbeats and REST go on."""
        self.pace.run_market(running)

    def step(self, steps: int = 1) -> None:
        """Step every symbol so many times, whether the market runs or not."""
        for _ in range(steps):
            for symbol in self.front.exchange.listings:
                self._step(symbol, self.clock())

    def chain(self, underlying: str) -> ChainListing:
        """An option chain. Raises UnknownSymbolError."""
        listing = self.front.exchange.listing(underlying)
        if not isinstance(listing, ChainListing):
            raise UnknownSymbolError(f"{underlying} is not an option chain")
        return listing

    def roll(self, underlying: str) -> None:
        """Let the chain's nearest expiry be over now, and list a further one. Raises UnknownSymbolError."""
        self._publish(self.chain(underlying).roll(int(self.clock() * 1000)))

    def inject(self, fault: Fault) -> list[int]:
        """Begin a fault; the numbers of the connections that it meets. Raises FaultError, UnknownSymbolError."""
        self._check(fault)
        hit = [each for each in self.connections.values() if fault.connection in (None, each.number)]
        if isinstance(fault, Restart | Refuse | SlowSnapshot):
            self.around.conditions.begin(fault, self.clock())
        if isinstance(fault, Restart):
            self.front.rest.restarted()
            self.connects = Window(self.limits.connects, self.limits.connects_s)
        self._meet(fault, hit)
        return [connection.number for connection in hit]

    def _meet(self, fault: Fault, connections: Iterable[Connection]) -> None:
        for connection in connections:
            match fault:
                case Drop():
                    connection.cut()
                case Freeze(seconds=seconds, symbol=symbol):
                    connection.freeze(self.clock() + seconds, symbol)
                case Restart():
                    connection.leave(SERVICE_RESTART, "service restart")
                case Refuse() | SlowSnapshot():
                    pass  # it meets what is asked for from now on
                case _:
                    connection.faults.arm(fault, self.front.exchange.listings)

    def _step(self, symbol: str, now: float) -> None:
        self._publish(self.front.exchange.advance(symbol, int(now * 1e6), self._wanted))

    def _wanted(self, stream: str) -> bool:
        return any(stream in connection.session.streams for connection in self.connections.values())

    def _publish(self, publications: Iterable[Publication]) -> None:
        for publication in publications:
            for connection in self.connections.values():
                connection.publish(publication)

    def _check(self, fault: Fault) -> None:
        if isinstance(fault, FrameFault | Freeze) and fault.symbol is not None:
            self.front.exchange.listing(fault.symbol)
        if fault.connection is not None and fault.connection not in self.connections:
            raise FaultError(f"no connection {fault.connection}; there are {sorted(self.connections)}")
        if isinstance(fault, FrameFault) and fault.needs_checksum and self.config.venue not in CHECKSUM_VENUES:
            raise FaultError(f"{self.config.venue} has no checksum that could tell: expected kraken")
        if isinstance(fault, Refuse) and fault.snapshots and self.config.venue not in REST_VENUES:
            raise FaultError(f"{self.config.venue} has no REST to refuse: refuse subscriptions instead")
