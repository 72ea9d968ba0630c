"""The model of one option chain: an index that walks, forwards, smiles, open interest. Pure: no venue's text.

Every published number is made from published numbers: marks and Greeks are Black-76 of the rounded volatility and the
expiry's forward at the quote's own millisecond, so that who computes them again gets them back. One step re-quotes one
expiry, in turn.
"""

from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from zlib import crc32

import numpy as np

from ingestion.generator.underlyings import Expiry, Underlying, upcoming
from market.options.black import DAYS_PER_YEAR, Floats, Greeks, greeks, price
from market.options.implied import implied_vol

MS_PER_YEAR = DAYS_PER_YEAR * 86_400_000
PULL = 2e-4  # how strongly the index is drawn to where it opened, per step
IS_CALL = np.array([[True], [False]])


@dataclass(frozen=True)
class ChainShape:
    """Size of a chain. Raises ValueError where it would be none."""

    expiries: int = 6
    strikes: int = 25  # per expiry

    def __post_init__(self) -> None:
        if self.expiries < 1 or self.strikes < 1:
            raise ValueError(f"expected expiries >= 1 and strikes >= 1, got {self.expiries} and {self.strikes}")


@dataclass
class Slice:
    """One expiry. Columns have shape (2, strikes): calls, then puts. Amounts are in units of the underlying."""

    expiry: Expiry
    strikes: Floats
    vol: float
    skew: float
    open_interest: Floats
    volume: Floats
    last: Floats


class Quotes(NamedTuple):
    """A slice as quoted at `time` (epoch ms), shapes as there. Volatilities in percent, 0 for none; bids 0 for none.

    Prices are in the currency of the quotes; `forward` is the one they were made with, `underlying` the one published.
    """

    slice: Slice
    time: int
    index_price: float
    forward: float
    underlying: float
    iv: Floats
    mark: Floats
    bid: Floats
    ask: Floats
    bid_iv: Floats
    ask_iv: Floats
    bid_size: Floats
    ask_size: Floats
    greeks: Greeks


class Roll(NamedTuple):
    """An expiry that is over, and the one that is listed in its place."""

    gone: Slice
    new: Slice


class ChainModel:
    """One underlying. The same shape, seed and times give the same quotes. `slices`: the nearest expiry first."""

    def __init__(self, underlying: Underlying, shape: ChainShape, seed: int, time_ms: int) -> None:
        self.underlying = underlying
        self.index = underlying.opening
        self.time = time_ms
        self._shape = shape
        self._random = np.random.default_rng([seed, crc32(underlying.name.encode())])
        self._turn = 0
        self.slices = [self._list(expiry) for expiry in islice(upcoming(underlying, time_ms), shape.expiries)]

    def step(self, time_ms: int) -> Quotes:
        """Move the index, trade a little, and quote the expiry whose turn it is. Roll first what has expired."""
        self._walk(time_ms)
        self._turn = (self._turn + 1) % len(self.slices)
        turn = self.slices[self._turn]
        self._trade(turn)
        return self.quote(turn)

    def due(self, time_ms: int) -> bool:
        """Whether the nearest expiry is over."""
        return self.slices[0].expiry.time <= time_ms

    def roll(self) -> Roll:
        """Let the nearest expiry be over, and list a further one."""
        gone = self.slices.pop(0)
        last = self.slices[-1].expiry.time if self.slices else gone.expiry.time
        further = (expiry for expiry in upcoming(self.underlying, self.time) if expiry.time > last)
        new = self._list(next(further))
        self.slices.append(new)
        return Roll(gone, new)

    def forward(self, part: Slice) -> float:
        """The slice's forward now."""
        years = (part.expiry.time - self.time) / MS_PER_YEAR
        return round(self.index * float(np.exp(self.underlying.carry * years)), 4)

    def quote(self, part: Slice) -> Quotes:
        """The slice's quotes now."""
        item, years = self.underlying, (part.expiry.time - self.time) / MS_PER_YEAR
        forward = self.forward(part)
        published = part.expiry.kind != "index_price"
        columns = (2, len(part.strikes))
        strikes, is_call = np.broadcast_to(part.strikes, columns), np.broadcast_to(IS_CALL, columns)
        iv = np.round(100 * _smile(part, forward, years), 2)
        wide, span = np.full(columns, forward), np.full(columns, years)
        to_quote = float(np.exp(-item.rate * years)) if item.linear else 1 / forward
        mark = np.round(price(wide, strikes, span, iv / 100, is_call) * to_quote, item.price_decimals)
        bid, ask = self._sides(mark)

        def solved(quoted: Floats) -> Floats:
            money = (quoted / to_quote).ravel()
            vol = implied_vol(money, wide.ravel(), strikes.ravel(), span.ravel(), is_call.ravel()).vol
            percent: Floats = np.round(100 * np.nan_to_num(vol), 2).reshape(columns)
            return percent

        sizes = np.ceil(self._random.lognormal(2.0, 0.8, (2, *columns))) * item.lot
        return Quotes(
            part, self.time, self.index, forward, forward if published else self.index, iv, mark, bid, ask,
            solved(bid), solved(ask), np.where(bid > 0, sizes[0], 0.0), sizes[1],
            greeks(wide, strikes, span, iv / 100, is_call),
        )  # fmt: skip

    def _list(self, expiry: Expiry) -> Slice:
        item, count = self.underlying, self._shape.strikes
        middle = round(self.index / item.strike_step)
        steps = middle - count // 2 + np.arange(count)
        strikes = (steps[steps > 0] * item.strike_step).astype(float)
        near = np.exp(-0.5 * (np.log(strikes / self.index) / 0.15) ** 2)
        drawn = self._random.lognormal(4.0, 1.0, (2, len(strikes))) * near
        shape = drawn.shape
        return Slice(
            expiry,
            strikes,
            item.vol * float(self._random.uniform(0.9, 1.1)),
            float(self._random.uniform(-0.08, -0.02)),
            np.round(drawn) * item.lot,
            np.round(drawn * self._random.uniform(0, 0.2, shape)) * item.lot,
            np.zeros(shape),
        )

    def _walk(self, time_ms: int) -> None:
        years = max(time_ms - self.time, 0) / MS_PER_YEAR
        drift = PULL * float(np.log(self.underlying.opening / self.index))
        move = drift + self.underlying.vol * float(np.sqrt(years)) * float(self._random.standard_normal())
        self.index = round(self.index * float(np.exp(move)), 2)
        self.time = max(time_ms, self.time)

    def _trade(self, part: Slice) -> None:
        """One trade: volume grows, open interest grows or shrinks, the volatility follows its own walk."""
        part.vol *= float(np.exp(0.002 * self._random.standard_normal()))
        at = (int(self._random.integers(2)), int(self._random.integers(len(part.strikes))))
        amount = float(np.ceil(self._random.lognormal(1.0, 1.0))) * self.underlying.lot
        part.volume[at] += amount
        part.open_interest[at] = max(0.0, part.open_interest[at] + amount * float(self._random.choice((-1, 0, 1))))
        part.last[at] = self.quote(part).mark[at]

    def _sides(self, mark: Floats) -> tuple[Floats, Floats]:
        """Bid and ask around the mark on the venue's ticks; no bid where the mark is worth less than a tick."""
        ticks = self.underlying.ticks
        tick = np.select([mark < below for below, _ in ticks], [size for _, size in ticks])
        half = np.maximum(0.01 * mark, 0.6 * tick)
        return np.maximum(np.floor((mark - half) / tick), 0.0) * tick, np.ceil((mark + half) / tick) * tick


def _smile(part: Slice, forward: float, years: float) -> Floats:
    """Volatilities of the strikes, as fractions: a hyperbola in standard deviations, linear in the wings."""
    x = np.log(part.strikes / forward) / (part.vol * np.sqrt(years))
    smile: Floats = part.vol * (1 + part.skew * x + 0.12 * (np.sqrt(1 + x * x) - 1))
    return np.broadcast_to(smile, (2, len(part.strikes)))
