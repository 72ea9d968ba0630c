"""The model of one option chain: a random walk of the index, forwards, smiles, open interest. Pure: no venue's text.

Every published number follows from published numbers: marks and Greeks are Black-76 of the rounded volatility and the
expiry's forward at the quote's own millisecond, so a consumer can reproduce them. One step re-quotes one expiry, in
turn.
"""

from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple
from zlib import crc32

import numpy as np

from market.options.black76 import DAYS_PER_YEAR, Floats, Greeks, greeks, price
from market.options.implied_vol import implied_vol
from simulator.generator.underlyings import Expiry, Underlying, upcoming

MS_PER_YEAR = DAYS_PER_YEAR * 86_400_000
PULL = 2e-4  # mean reversion of the index to its opening, per step
IS_CALL = np.array([[True], [False]])


@dataclass(frozen=True)
class ChainShape:
    """Size of a chain. Raises ValueError if it would be empty."""

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
    """Quotes of a slice at `time` (epoch ms), in the shapes of `Slice`. Volatilities in percent; 0 means none.

    Prices are in the currency of the quotes. `forward` is the forward of the prices, `underlying` the published price.
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
    """An expired slice, and the slice listed in its place."""

    expired: Slice
    listed: Slice


class ChainModel:
    """One underlying. The same shape, seed and times give the same quotes. `slices`: nearest expiry first."""

    def __init__(self, underlying: Underlying, shape: ChainShape, seed: int, time_ms: int) -> None:
        self.underlying = underlying
        self.index = underlying.opening
        self.time = time_ms
        self._shape = shape
        self._random = np.random.default_rng([seed, crc32(underlying.name.encode())])
        self._turn = 0
        self.slices = [self._list(expiry) for expiry in islice(upcoming(underlying, time_ms), shape.expiries)]

    def step(self, time_ms: int) -> Quotes:
        """Move the index, trade at random, and quote the next expiry in turn. Call `roll` first while `is_roll_due`."""
        self._walk(time_ms)
        self._turn = (self._turn + 1) % len(self.slices)
        current = self.slices[self._turn]
        self._trade(current)
        return self.quote(current)

    def is_roll_due(self, time_ms: int) -> bool:
        """True if the nearest expiry has passed."""
        return self.slices[0].expiry.time <= time_ms

    def roll(self) -> Roll:
        """Expire the nearest expiry and list a further one."""
        expired = self.slices.pop(0)
        last = self.slices[-1].expiry.time if self.slices else expired.expiry.time
        further = (expiry for expiry in upcoming(self.underlying, self.time) if expiry.time > last)
        listed = self._list(next(further))
        self.slices.append(listed)
        return Roll(expired, listed)

    def forward(self, expiry_slice: Slice) -> float:
        """The forward of a slice at the model's time."""
        years = (expiry_slice.expiry.time - self.time) / MS_PER_YEAR
        return round(self.index * float(np.exp(self.underlying.carry * years)), 4)

    def quote(self, expiry_slice: Slice) -> Quotes:
        """Quotes of a slice at the model's time."""
        underlying, years = self.underlying, (expiry_slice.expiry.time - self.time) / MS_PER_YEAR
        forward = self.forward(expiry_slice)
        published = expiry_slice.expiry.kind != "index_price"
        columns = (2, len(expiry_slice.strikes))
        strikes, is_call = np.broadcast_to(expiry_slice.strikes, columns), np.broadcast_to(IS_CALL, columns)
        iv = np.round(100 * _smile(expiry_slice, forward, years), 2)
        forwards, spans = np.full(columns, forward), np.full(columns, years)
        to_quote = float(np.exp(-underlying.rate * years)) if underlying.linear else 1 / forward
        mark = np.round(price(forwards, strikes, spans, iv / 100, is_call) * to_quote, underlying.price_decimals)
        bid, ask = self._sides(mark)

        def implied_percent(quoted: Floats) -> Floats:
            undiscounted = (quoted / to_quote).ravel()
            vol = implied_vol(undiscounted, forwards.ravel(), strikes.ravel(), spans.ravel(), is_call.ravel()).vol
            percent: Floats = np.round(100 * np.nan_to_num(vol), 2).reshape(columns)
            return percent

        sizes = np.ceil(self._random.lognormal(2.0, 0.8, (2, *columns))) * underlying.lot
        return Quotes(
            expiry_slice, self.time, self.index, forward, forward if published else self.index, iv, mark, bid, ask,
            implied_percent(bid), implied_percent(ask), np.where(bid > 0, sizes[0], 0.0), sizes[1],
            greeks(forwards, strikes, spans, iv / 100, is_call),
        )  # fmt: skip

    def _list(self, expiry: Expiry) -> Slice:
        underlying, count = self.underlying, self._shape.strikes
        middle = round(self.index / underlying.strike_step)
        steps = middle - count // 2 + np.arange(count)
        strikes = (steps[steps > 0] * underlying.strike_step).astype(float)
        near = np.exp(-0.5 * (np.log(strikes / self.index) / 0.15) ** 2)
        drawn = self._random.lognormal(4.0, 1.0, (2, len(strikes))) * near
        shape = drawn.shape
        return Slice(
            expiry,
            strikes,
            underlying.vol * float(self._random.uniform(0.9, 1.1)),
            float(self._random.uniform(-0.08, -0.02)),
            np.round(drawn) * underlying.lot,
            np.round(drawn * self._random.uniform(0, 0.2, shape)) * underlying.lot,
            np.zeros(shape),
        )

    def _walk(self, time_ms: int) -> None:
        years = max(time_ms - self.time, 0) / MS_PER_YEAR
        drift = PULL * float(np.log(self.underlying.opening / self.index))
        move = drift + self.underlying.vol * float(np.sqrt(years)) * float(self._random.standard_normal())
        self.index = round(self.index * float(np.exp(move)), 2)
        self.time = max(time_ms, self.time)

    def _trade(self, expiry_slice: Slice) -> None:
        """One trade: volume grows, open interest grows or shrinks, the volatility moves at random."""
        expiry_slice.vol *= float(np.exp(0.002 * self._random.standard_normal()))
        at = (int(self._random.integers(2)), int(self._random.integers(len(expiry_slice.strikes))))
        amount = float(np.ceil(self._random.lognormal(1.0, 1.0))) * self.underlying.lot
        expiry_slice.volume[at] += amount
        expiry_slice.open_interest[at] = max(
            0.0, expiry_slice.open_interest[at] + amount * float(self._random.choice((-1, 0, 1)))
        )
        expiry_slice.last[at] = self.quote(expiry_slice).mark[at]

    def _sides(self, mark: Floats) -> tuple[Floats, Floats]:
        """Bid and ask around the mark on the venue's ticks; no bid if the mark is below one tick."""
        ticks = self.underlying.ticks
        tick = np.select([mark < below for below, _ in ticks], [size for _, size in ticks])
        half = np.maximum(0.01 * mark, 0.6 * tick)
        return np.maximum(np.floor((mark - half) / tick), 0.0) * tick, np.ceil((mark + half) / tick) * tick


def _smile(expiry_slice: Slice, forward: float, years: float) -> Floats:
    """Volatilities of the strikes as fractions: a hyperbola in standard deviations, linear in the wings."""
    x = np.log(expiry_slice.strikes / forward) / (expiry_slice.vol * np.sqrt(years))
    smile: Floats = expiry_slice.vol * (1 + expiry_slice.skew * x + 0.12 * (np.sqrt(1 + x * x) - 1))
    return np.broadcast_to(smile, (2, len(expiry_slice.strikes)))
