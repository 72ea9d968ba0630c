"""Protocol-true frames of all four venues from one seeded market model.

Three parts, kept apart: `market` (a book and a tape, no venue), one encoder a venue, and `wire` (stamps, losses).
The simulators serve the same model and encoders over real sockets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from random import Random

from ingestion.generator.binance import BinanceEncoder, BinanceUsdmEncoder
from ingestion.generator.deribit import DeribitEncoder
from ingestion.generator.encoding import EncoderType
from ingestion.generator.instruments import VENUES, Instrument, choose, default_symbols, instrument
from ingestion.generator.kraken import KrakenEncoder
from ingestion.generator.market import Market, Shape
from ingestion.generator.wire import Wire
from ingestion.stamping import Stamper, connection_id
from market.records import Envelope

ENCODERS: dict[str, EncoderType] = {
    "binance": BinanceEncoder,
    "binance_usdm": BinanceUsdmEncoder,
    "kraken": KrakenEncoder,
    "deribit": DeribitEncoder,
}
__all__ = [
    "ENCODERS",
    "START_US",
    "VENUES",
    "Generator",
    "Instrument",
    "Plan",
    "Shape",
    "default_symbols",
    "instrument",
]

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z


@dataclass(frozen=True)
class Plan:
    """What to generate. Ids start at `start_us`, so that a run that starts later has higher ones, as at an exchange."""

    instruments: tuple[Instrument, ...] = field(default_factory=lambda: choose(set(), set()))
    seed: int = 1
    rate: float = 10  # steps per second and symbol
    shape: Shape = field(default_factory=Shape)
    gaps_per_1000: float = 0  # book frames lost on the wire, per thousand
    start_us: int = START_US


class Generator:
    """Endless envelopes in order of market time. The same plan gives the same bytes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        stampers = {
            venue: Stamper(venue, connection_id("generator", venue, str(plan.seed), str(plan.start_us)))
            for venue in VENUES
        }
        self.wires = [self._wire(item, stampers[item.venue]) for item in plan.instruments]

    def __iter__(self) -> Iterator[Envelope]:
        """Connect every symbol, then step them in turn as their time comes. One iteration only."""
        random = Random(self._plan.seed)
        interval = 1e6 / self._plan.rate
        due = [(self._plan.start_us + int(interval * random.random()), i) for i in range(len(self.wires))]
        for wire in self.wires:
            yield from wire.connect(self._plan.start_us)
        heapify(due)
        while due:
            time_us, i = due[0]
            yield from self.wires[i].advance(time_us)
            heapreplace(due, (time_us + 1 + int(interval * (0.5 + random.random())), i))

    def _wire(self, item: Instrument, stamper: Stamper) -> Wire:
        plan = self._plan
        market = Market(item, plan.shape, plan.seed)
        encoder = ENCODERS[item.venue](market, plan.start_us)
        return Wire(market, encoder, stamper, plan.gaps_per_1000 / 1000, plan.seed)
