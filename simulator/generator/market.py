"""The market model: one symbol's book and trades, moving in steps. Pure: no venue, no clock, no text.

Behaviour, none of it calibrated: levels near the touch are refreshed most. Takers fill a part of the best level, all of
it, or sweep several levels. Then one side quotes inside the spread, so the mid walks, with a weak pull to its opening.
A slowly changing bias makes one side heavier for hundreds of steps, and takers favour the same direction.
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import NamedTuple

from simulator.generator.instruments import Instrument
from simulator.generator.side import Change, ModelSide

REACH = 0.12  # mean distance in ticks of a refreshed level from the touch, as a share of the levels
OFFSET_BITS, SIZE_BITS = 12, 10  # bits of one random number index tables of draws: single draws cost ten times more
HEAVY = 60  # size of a planted level over the median size
WALL = 8 * HEAVY  # size of a planted wall
WALL_PLACE = 5  # its place, counted from the best level: trades do not reach it soon
PLANTED_LEVELS = 12  # more than metrics sum over by default
BIASES = 8  # size distributions of a side: with a continuous factor every size, and its text, would be a new one


@dataclass(frozen=True)
class MarketShape:
    """Size of a book and activity of one step. Raises ValueError if a book would run out of levels."""

    levels: int = 200  # on each side, approximately
    touched: int = 20  # levels changed per step, both sides together
    trade_chance: float = 0.25
    sweep_chance: float = 0.02

    def __post_init__(self) -> None:
        if not 2 <= self.touched <= self.levels // 2 or self.levels < 20:
            got = f"levels={self.levels}, touched={self.touched}"
            raise ValueError(f"expected levels >= 20 and 2 <= touched <= levels / 2, got {got}")


class Fill(NamedTuple):
    """One trade at one price; `buyer` is true if the taker bought."""

    buyer: bool
    tick: int
    lots: int


class MarketStep(NamedTuple):
    """Result of one step: net level changes by side, and the trades, which precede them."""

    bids: list[Change]
    asks: list[Change]
    fills: list[Fill]


class Market:
    """One symbol. The same instrument, shape and seed give the same steps."""

    def __init__(self, instrument: Instrument, shape: MarketShape, seed: int) -> None:
        self.instrument = instrument
        self._shape = shape
        self._random = Random(f"{seed}/{instrument.venue}/{instrument.symbol}")
        self._offsets = _offsets(shape.levels)
        self._sizes = _sizes(instrument.size.steps(instrument.median_size))
        self.bids, self.asks = ModelSide(1), ModelSide(-1)
        self._bias = 0.0  # -1 to 1; above zero bids are heavier
        self.leaning = 0  # 1: the best bids are heavy from the next step on, -1: the best asks, 0: neither
        self.planted_sweep = 0  # levels that the next step takes as a whole; above zero: of the asks
        self.wide = False  # neither side quotes inside the spread
        self.wall: tuple[int, int] | None = None  # sign of the side and tick of a planted wall
        self._anchor = instrument.price.steps(instrument.opening)
        self._open()

    def reference_book(self, depth: int | None = None) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Bids and asks as (price, size) doubles, best first; a rebuilt book must equal them."""
        price, size = self.instrument.price.fixed, self.instrument.size.fixed
        bids, asks = (
            [(float(price(tick)), float(size(lots))) for tick, lots in side.top(depth or len(side))]
            for side in (self.bids, self.asks)
        )
        return bids, asks

    def step(self) -> MarketStep:
        """Trade and narrow the spread, each at random, then refresh levels until `touched` levels are changed."""
        random, shape = self._random.random, self._shape
        self._bias = max(-1.0, min(1.0, 0.995 * self._bias + 0.1 * (random() - 0.5)))
        draw = random()
        if self.planted_sweep:
            fills = self._sweep(self.asks if self.planted_sweep > 0 else self.bids, abs(self.planted_sweep))
            self.planted_sweep = 0
        elif draw < shape.trade_chance:
            fills = self._take(sweep=draw < shape.trade_chance * shape.sweep_chance)
        else:
            fills = []
        if not self.wide:
            self._narrow()
        self._refresh(self.bids, (shape.touched + 1) // 2)
        self._refresh(self.asks, shape.touched // 2)
        if self.leaning:
            self._fill_best(self.bids if self.leaning > 0 else self.asks, HEAVY)
        if self.wall is not None:
            self._side(self.wall[0]).put(self.wall[1], self._lots(WALL))
        return MarketStep(self.bids.changes(), self.asks.changes(), fills)

    def _open(self) -> None:
        if self._anchor < 3 * self._shape.levels:
            opening = f"{self.instrument.symbol} opens at {self._anchor} ticks"
            raise ValueError(f"{opening}: too few for {self._shape.levels} levels on each side")
        for side, tick in ((self.bids, self._anchor), (self.asks, self._anchor + 1)):
            for _ in range(self._shape.levels):
                side.put(tick, self._size())
                tick -= side.sign * (1 + self._random.getrandbits(1))
            side.changes()

    def _size(self) -> int:
        return self._sizes[0][self._random.getrandbits(SIZE_BITS)]

    def _draws_up(self) -> bool:
        """Draw the direction of the next move, by the bias and the distance of the price from its opening."""
        pull = (self._anchor - self.bids.best()) / self._anchor
        return self._random.random() < 0.5 + 0.3 * self._bias + pull

    def _take(self, sweep: bool) -> list[Fill]:
        buyer = self._draws_up()
        side = self.asks if buyer else self.bids
        fills = []
        for _ in range(2 + self._random.getrandbits(2) if sweep else 1):
            tick = side.best()
            lots = side.lots[tick]
            takes_all = sweep or self._random.random() < 0.4
            taken = lots if takes_all else 1 + int(self._random.random() * (lots - 1))
            side.put(tick, lots - taken)
            fills.append(Fill(buyer, tick, taken))
        return fills

    def _sweep(self, side: ModelSide, levels: int) -> list[Fill]:
        fills = [Fill(side.sign < 0, tick, lots) for tick, lots in side.top(levels)]
        for _, tick, _ in fills:
            side.put(tick, 0)
        return fills

    def widen(self, levels: int) -> None:
        """Take the best levels of both sides away; the spread stays wide until `wide` is reset."""
        self.wide = True
        for side in (self.bids, self.asks):
            for tick, _ in side.top(levels):
                side.put(tick, 0)

    def build_wall(self, sign: int) -> None:
        """Put a wall behind the best level of the bids (1) or asks (-1), and keep its size until it is pulled."""
        self.pull_wall()
        self.wall = sign, self._side(sign).top(WALL_PLACE)[-1][0]

    def pull_wall(self) -> None:
        """Take the wall away."""
        if self.wall is not None:
            self._side(self.wall[0]).put(self.wall[1], 0)
            self.wall = None

    def _side(self, sign: int) -> ModelSide:
        return self.bids if sign > 0 else self.asks

    def _lots(self, times: int) -> int:
        return times * self.instrument.size.steps(self.instrument.median_size)

    def stop_leaning(self) -> None:
        """Give the best levels of both sides the median size, with the next step."""
        self.leaning = 0
        self._fill_best(self.bids, 1)
        self._fill_best(self.asks, 1)

    def _fill_best(self, side: ModelSide, times: int) -> None:
        for tick, _ in side.top(PLANTED_LEVELS):
            side.put(tick, self._lots(times))

    def _narrow(self) -> None:
        spread = self.asks.best() - self.bids.best()
        if spread > 1 and self._random.random() < 0.6:
            side = self.bids if self._draws_up() else self.asks
            side.put(side.best() + side.sign * (1 + (spread - 2) // 2), self._size())

    def _refresh(self, side: ModelSide, count: int) -> None:
        heavy = (1.0 + side.sign * self._bias) / 2.0
        sizes = self._sizes[int(heavy * (BIASES - 1) + 0.5)]
        side.refresh(count, self._shape.levels, self._random.getrandbits, self._offsets, sizes)


@lru_cache(maxsize=16)
def _offsets(levels: int) -> list[int]:
    draw = Random(levels).expovariate
    return [min(int(draw(1 / (REACH * levels))), levels) for _ in range(1 << OFFSET_BITS)]


@lru_cache(maxsize=1024)
def _sizes(median: int) -> list[list[int]]:
    """Sizes in lots of a side, from the lightest bias to the heaviest, which is nine times as heavy."""
    draw = Random(median).lognormvariate
    shares = [draw(0, 0.8) for _ in range(1 << SIZE_BITS)]
    weights = [0.2 + 1.6 * bias / (BIASES - 1) for bias in range(BIASES)]
    return [[max(1, round(median * weight * share)) for share in shares] for weight in weights]
