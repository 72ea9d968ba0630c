"""A running simulated exchange: market steps, connections and control. No sockets."""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic, time

from simulator.active_faults import ActiveFaults
from simulator.config import Address, Config
from simulator.connection import Connection, ExchangeContext
from simulator.faults import (
    ClockSkew,
    Drop,
    ExchangeFault,
    Fault,
    Fillers,
    FrameFault,
    Freeze,
    Http520,
    IdReset,
    MarketFault,
    NoGoodbye,
    Refuse,
    Restart,
    SilentStream,
    SlowSnapshot,
)
from simulator.generator.market import Market
from simulator.limits import Window
from simulator.plants import Plant
from simulator.publication import HasFillers, HasMarket, Listed, ListedChain, Publication, ReferenceBook, ResetsIds
from simulator.registry import SIMULATORS
from simulator.session import GOING_AWAY
from simulator.step_scheduler import StepScheduler
from simulator.venue import MarketSpec

SERVICE_RESTART = 1012
HOUR_S = 3600.0


class FaultError(ValueError):
    """The venue or its present state does not support this fault."""


class Simulator(Address):
    """Made by `simulator`; all methods belong to its event loop.

    `connections` are the open ones, by number. `market` steps the symbols at the set rate until it is cancelled.
    """

    market: "asyncio.Task[None]"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.venue = SIMULATORS[config.venue]
        self.limits = config.limits or self.venue.limits
        self.connections: dict[int, Connection] = {}
        self.connects = Window(self.limits.connects, self.limits.connects_s)
        start, anchor = time(), monotonic()
        # The wall clock, except that it never steps back.
        self.clock: Callable[[], float] = lambda: start + (monotonic() - anchor)
        self.frontend = self.venue.open_frontend(self._market_spec(int(start * 1e6)), self.limits)
        self.exchange = self.frontend.exchange
        self.context = ExchangeContext(self.exchange, ActiveFaults(), self.clock)
        self.scheduler = StepScheduler(list(self.exchange.listed), config.rate, self.clock, self._step, config.seed)
        self.scheduler.run_market(config.running)

    def reference_book(self, symbol: str, depth: int | None = None) -> ReferenceBook:
        """The model's book now. Raises UnknownSymbolError."""
        return self.exchange.reference_book(symbol, depth)

    def run_market(self, running: bool) -> None:
        """Start or halt the market. Connections, heartbeats and REST go on while it is halted."""
        self.scheduler.run_market(running)

    def step(self, steps: int = 1) -> None:
        """Step every symbol this many times, also while the market is halted."""
        for _ in range(steps):
            for symbol in self.exchange.listed:
                self._step(symbol, self.clock())

    def plant(self, plant: Plant) -> int:
        """Plant a condition with a step at once; returns its event time (epoch µs). Another step ends one that lasts.

        Raises UnknownSymbolError, FaultError.
        """
        listed, now = self.exchange.find_symbol(plant.symbol), self.clock()
        if not isinstance(listed, HasMarket):
            raise FaultError(f"{plant.symbol} has no book")
        plant.begin(listed.market)
        self._step(plant.symbol, now)
        if plant.lasts:
            asyncio.get_running_loop().call_later(plant.seconds, self._end_plant, plant, listed.market)
        return int(self.context.event_time(now) * 1e6)

    def _end_plant(self, plant: Plant, market: Market) -> None:
        plant.end(market)
        self._step(plant.symbol, self.clock())

    def chain(self, underlying: str) -> ListedChain:
        """An option chain. Raises UnknownSymbolError."""
        return self.exchange.find_chain(underlying)

    def roll(self, underlying: str) -> None:
        """Expire the chain's nearest expiry now, and list a further one. Raises UnknownSymbolError."""
        self._publish(self.chain(underlying).roll(int(self.clock() * 1000)))

    def inject(self, fault: Fault) -> list[int]:
        """Begin a fault; returns the numbers of the affected connections. Raises FaultError, UnknownSymbolError."""
        self._check(fault)
        affected = [each for each in self.connections.values() if fault.connection in (None, each.number)]
        if isinstance(fault, ExchangeFault):
            self.context.active_faults.begin(fault, self.clock())
        if isinstance(fault, Restart):
            self.frontend.rest.restarted()
            self.connects = Window(self.limits.connects, self.limits.connects_s)
        if isinstance(fault, MarketFault):
            self._change_market(fault)
        self._apply(fault, affected)
        return [connection.number for connection in affected]

    def _market_spec(self, start_us: int) -> MarketSpec:
        config = self.config
        instruments = tuple(self.venue.instrument(symbol) for symbol in config.traded)
        return MarketSpec(instruments, config.shape, config.chains, config.chain_shape, config.seed, start_us)

    def _apply(self, fault: Fault, connections: Iterable[Connection]) -> None:
        for connection in connections:
            match fault:
                case Drop():
                    connection.cut()
                case Freeze(seconds=seconds, symbol=symbol):
                    connection.freeze(self.clock() + seconds, symbol)
                case Restart():
                    connection.close(SERVICE_RESTART, "service restart")
                case SilentStream(symbol=symbol, seconds=seconds, kind=kind):
                    connection.silence(self.clock() + seconds, symbol, kind)
                case NoGoodbye():
                    connection.die()
                case IdReset(close=True):
                    connection.close(GOING_AWAY, "instrument was relisted")
                case Refuse() | SlowSnapshot() | Http520() | IdReset() | ClockSkew() | Fillers():
                    pass  # these affect later requests or the market, not open connections
                case _:
                    connection.faults.arm(fault, self.exchange.listed)

    def _change_market(self, fault: MarketFault) -> None:
        if isinstance(fault, ClockSkew):
            self.context.skew_s = fault.seconds
            return
        for listed in self._able(fault):
            if isinstance(fault, Fillers) and isinstance(listed, HasFillers):
                listed.queue_fillers(fault.count)
            if isinstance(fault, IdReset) and isinstance(listed, ResetsIds):
                listed.reset_ids(fault.first_id)
        if isinstance(fault, IdReset) and fault.restart_time:
            self.context.skew_s -= HOUR_S

    def _able(self, fault: IdReset | Fillers) -> list[Listed]:
        """The fault's symbol, or all, as far as they support it."""
        names = self.exchange.listed if fault.symbol is None else (fault.symbol,)
        kind = ResetsIds if isinstance(fault, IdReset) else HasFillers
        return [listed for listed in map(self.exchange.find_symbol, names) if isinstance(listed, kind)]

    def _step(self, symbol: str, now: float) -> None:
        time_us = int(self.context.event_time(now) * 1e6)
        self._publish(self.exchange.advance(symbol, time_us, self._has_subscribers))

    def _has_subscribers(self, stream: str) -> bool:
        return any(stream in connection.session.streams for connection in self.connections.values())

    def _publish(self, publications: Iterable[Publication]) -> None:
        for publication in publications:
            for connection in self.connections.values():
                connection.publish(publication)

    def _check(self, fault: Fault) -> None:
        venue = self.venue
        if isinstance(fault, FrameFault | Freeze | SilentStream | IdReset | Fillers) and fault.symbol is not None:
            self.exchange.find_symbol(fault.symbol)
        if fault.connection is not None and fault.connection not in self.connections:
            raise FaultError(f"unknown connection {fault.connection}; expected one of {sorted(self.connections)}")
        if isinstance(fault, FrameFault) and fault.needs_checksum and not venue.has_checksum:
            able = ", ".join(each.id for each in SIMULATORS.values() if each.has_checksum)
            raise FaultError(f"{venue.id} has no checksum to detect the fault; expected one of {able}")
        if isinstance(fault, Fillers) and not self._able(fault):
            raise FaultError(f"{venue.id} has no fillers; expected binance_usdm")
        if isinstance(fault, IdReset) and not self._able(fault):
            raise FaultError(f"{venue.id} has no ids that can restart")
        if isinstance(fault, Refuse) and fault.snapshots and not venue.has_rest:
            raise FaultError(f"{venue.id} has no REST to refuse: refuse subscriptions instead")
