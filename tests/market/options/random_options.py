"""Random options of every moneyness, from a minute to two years, with 5 to 300 % volatility."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from market.options.black76 import Bools, Floats, price

MINUTE = 1 / (365 * 24 * 60)


class OptionColumns(NamedTuple):
    """Columns of options, in the order of the arguments of pricing functions."""

    forward: Floats
    strike: Floats
    years: Floats
    vol: Floats
    is_call: Bools


@dataclass(frozen=True)
class RandomOption:
    """One option."""

    forward: float
    strike: float
    years: float
    vol: float
    is_call: bool

    @property
    def flag(self) -> str:
        return "c" if self.is_call else "p"

    def arrays(self) -> list[np.ndarray]:
        return [np.array([v]) for v in (self.forward, self.strike, self.years, self.vol, self.is_call)]


def random_columns(n: int, seed: int = 1, wings: float = 30.0) -> OptionColumns:
    """`n` random options: a third up to `wings` standard deviations from the forward, the others up to four."""
    rng = np.random.default_rng(seed)
    forward = np.exp(rng.uniform(0, np.log(1e5), n))
    years = np.exp(rng.uniform(np.log(MINUTE), np.log(2), n))
    vol = rng.uniform(0.05, 3, n)
    deviations = rng.uniform(-1, 1, n) * np.where(rng.random(n) < 1 / 3, wings, 4)
    strike = forward * np.exp(deviations * vol * np.sqrt(years))
    return OptionColumns(forward, strike, years, vol, rng.random(n) < 0.5)


def random_options(n: int, seed: int = 1) -> Iterator[RandomOption]:
    for row in zip(*random_columns(n, seed, wings=5), strict=True):
        yield RandomOption(*(v.item() for v in row))


def priced(columns: OptionColumns) -> Floats:
    return price(*columns)
