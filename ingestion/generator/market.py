"""The market model: one symbol's book and tape, moving in steps. Pure: no venue, no clock, no text.

Behaviour, none of it calibrated: levels near the touch are refreshed most; takers eat a part of the best level, all of
it, or sweep several; then one side or the other steps into the spread, so the mid walks, drawn softly to where it
opened; a slowly changing mood makes one side heavier for hundreds of steps at a time, and takers lean the same way.
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import NamedTuple

from ingestion.generator.instruments import Instrument
from ingestion.generator.side import Change, Side

REACH = 0.12  # mean distance in ticks of a refreshed level from the touch, as a share of the levels held
OFFSET_BITS, SIZE_BITS = 12, 10  # draws are looked up by bits of one random number: drawing each costs ten times more
MOODS = 8  # a side has as many distributions of sizes: a free factor would make every size, and its text, a new one


@dataclass(frozen=True)
class Shape:
    """Size of a book and of what happens in one step. Raises ValueError where a book would run out of levels."""

    levels: int = 200  # held on each side, about
    touched: int = 20  # levels changed per step, both sides together
    trade_chance: float = 0.25
    sweep_chance: float = 0.02

    def __post_init__(self) -> None:
        if not 2 <= self.touched <= self.levels // 2 or self.levels < 20:
            asked = f"levels={self.levels}, touched={self.touched}"
            raise ValueError(f"expected levels >= 20 and 2 <= touched <= levels / 2, got {asked}")


class Fill(NamedTuple):
    """One trade at one price; `buyer` tells whether the aggressor bought."""

    buyer: bool
    tick: int
    lots: int


class Step(NamedTuple):
    """What one step changed: net level changes by side, and the trades, which came first."""

    bids: list[Change]
    asks: list[Change]
    fills: list[Fill]


class Market:
    """One symbol. The same instrument, shape and seed give the same steps."""

    def __init__(self, instrument: Instrument, shape: Shape, seed: int) -> None:
        self.instrument = instrument
        self._shape = shape
        self._random = Random(f"{seed}/{instrument.venue}/{instrument.symbol}")
        self._offsets = _offsets(shape.levels)
        self._sizes = _sizes(instrument.size.steps(instrument.median_size))
        self.bids, self.asks = Side(1), Side(-1)
        self._mood = 0.0  # -1 to 1; above zero bids are heavier
        self._anchor = instrument.price.steps(instrument.opening)
        self._open()

    def truth(self, depth: int | None = None) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Bids and asks as (price, size) doubles, best first: what a rebuilt book must equal."""
        price, size = self.instrument.price.fixed, self.instrument.size.fixed
        bids, asks = (
            [(float(price(tick)), float(size(lots))) for tick, lots in side.top(depth or len(side))]
            for side in (self.bids, self.asks)
        )
        return bids, asks

    def step(self) -> Step:
        """Trade perhaps, narrow the spread perhaps, then refresh levels until `touched` are."""
        random, shape = self._random.random, self._shape
        self._mood = max(-1.0, min(1.0, 0.995 * self._mood + 0.1 * (random() - 0.5)))
        draw = random()
        fills = self._take(sweep=draw < shape.trade_chance * shape.sweep_chance) if draw < shape.trade_chance else []
        self._narrow()
        self._refresh(self.bids, (shape.touched + 1) // 2)
        self._refresh(self.asks, shape.touched // 2)
        return Step(self.bids.changes(), self.asks.changes(), fills)

    def _open(self) -> None:
        if self._anchor < 3 * self._shape.levels:
            opening = f"{self.instrument.symbol} opens at {self._anchor} ticks"
            raise ValueError(f"{opening}: too few for {self._shape.levels} levels a side")
        for side, tick in ((self.bids, self._anchor), (self.asks, self._anchor + 1)):
            for _ in range(self._shape.levels):
                side.put(tick, self._size())
                tick -= side.sign * (1 + self._random.getrandbits(1))
            side.changes()

    def _size(self) -> int:
        return self._sizes[0][self._random.getrandbits(SIZE_BITS)]

    def _bullish(self) -> bool:
        """Whether the next move is upwards: by mood, and by how far the price is below where it opened."""
        pull = (self._anchor - self.bids.best()) / self._anchor
        return self._random.random() < 0.5 + 0.3 * self._mood + pull

    def _take(self, sweep: bool) -> list[Fill]:
        buyer = self._bullish()
        side = self.asks if buyer else self.bids
        fills = []
        for _ in range(2 + self._random.getrandbits(2) if sweep else 1):
            tick = side.best()
            lots = side.lots[tick]
            whole = sweep or self._random.random() < 0.4
            taken = lots if whole else 1 + int(self._random.random() * (lots - 1))
            side.put(tick, lots - taken)
            fills.append(Fill(buyer, tick, taken))
        return fills

    def _narrow(self) -> None:
        spread = self.asks.best() - self.bids.best()
        if spread > 1 and self._random.random() < 0.6:
            side = self.bids if self._bullish() else self.asks
            side.put(side.best() + side.sign * (1 + (spread - 2) // 2), self._size())

    def _refresh(self, side: Side, count: int) -> None:
        heavy = (1.0 + side.sign * self._mood) / 2.0
        sizes = self._sizes[int(heavy * (MOODS - 1) + 0.5)]
        side.refresh(count, self._shape.levels, self._random.getrandbits, self._offsets, sizes)


@lru_cache(maxsize=16)
def _offsets(levels: int) -> list[int]:
    draw = Random(levels).expovariate
    return [min(int(draw(1 / (REACH * levels))), levels) for _ in range(1 << OFFSET_BITS)]


@lru_cache(maxsize=1024)
def _sizes(median: int) -> list[list[int]]:
    """Sizes in lots for a side from the lightest mood to the heaviest, nine times as much."""
    draw = Random(median).lognormvariate
    shares = [draw(0, 0.8) for _ in range(1 << SIZE_BITS)]
    weights = [0.2 + 1.6 * mood / (MOODS - 1) for mood in range(MOODS)]
    return [[max(1, round(median * weight * share)) for share in shares] for weight in weights]
