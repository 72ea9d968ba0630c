"""Protocol-true frames of every simulated exchange from one seeded market model, as raw records, without a socket.

Parts: `generator.market` (book and trades, no exchange), one encoder per exchange, `generator.simulated_connection`
(stamps, losses). The simulators serve the same model and encoders over real sockets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from random import Random

from core.records import Envelope
from simulator.generator.instruments import Instrument
from simulator.generator.market import Market, MarketShape
from simulator.generator.simulated_connection import SimulatedConnection
from simulator.registry import SIMULATORS, choose
from venues.stamping import Stamper, connection_id

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@dataclass(frozen=True)
class Plan:
    """Content of a generated stream. Ids start at `start_us`, so a later run has higher ids, as at an exchange."""

    instruments: tuple[Instrument, ...] = field(default_factory=lambda: choose(set(), set()))
    seed: int = 1
    rate: float = 10  # steps per second and symbol
    shape: MarketShape = field(default_factory=MarketShape)
    gaps_per_1000: float = 0  # book frames lost in transit, per thousand
    start_us: int = START_US


class Generator:
    """Endless envelopes in order of market time. The same plan gives the same bytes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        stampers = {
            venue: Stamper(venue, connection_id("generator", venue, str(plan.seed), str(plan.start_us)))
            for venue in dict.fromkeys(each.venue for each in plan.instruments)
        }
        self.connections = [self._connection(each, stampers[each.venue]) for each in plan.instruments]

    def __iter__(self) -> Iterator[Envelope]:
        """Connect every symbol, then step each at its own times. Iterate once only."""
        random = Random(self._plan.seed)
        interval = 1e6 / self._plan.rate
        due = [(self._plan.start_us + int(interval * random.random()), i) for i in range(len(self.connections))]
        for connection in self.connections:
            yield from connection.connect(self._plan.start_us)
        heapify(due)
        while due:
            time_us, i = due[0]
            yield from self.connections[i].advance(time_us)
            heapreplace(due, (time_us + 1 + int(interval * (0.5 + random.random())), i))

    def _connection(self, instrument: Instrument, stamper: Stamper) -> SimulatedConnection:
        plan = self._plan
        market = Market(instrument, plan.shape, plan.seed)
        encoder = SIMULATORS[instrument.venue].encoder(market, plan.start_us)
        return SimulatedConnection(market, encoder, stamper, plan.gaps_per_1000 / 1000, plan.seed)
