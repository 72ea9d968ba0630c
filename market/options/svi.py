"""Raw SVI, the curve of one expiry's smile, and whether it admits arbitrage."""

from typing import NamedTuple

import numpy as np

from market.options.black import Floats

_GRID = 101


class Svi(NamedTuple):
    """The five parameters of one expiry, for total variance and ln(K/F)."""

    a: float
    b: float
    rho: float
    m: float
    s: float

    def variance(self, k: Floats) -> Floats:
        """Total variance at each k."""
        y = k - self.m
        w: Floats = self.a + self.b * (self.rho * y + np.sqrt(y * y + self.s**2))
        return w

    def density_factor(self, k: Floats) -> Floats:
        """g(k) = (1 - k w'/(2w))² - (w'²/4)(1/w + 1/4) + w''/2: below zero there is butterfly arbitrage."""
        y = k - self.m
        root = np.sqrt(y * y + self.s**2)
        w = self.variance(k)
        slope = self.b * (self.rho + y / root)
        bend = self.b * self.s**2 / root**3
        g: Floats = (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + bend / 2
        return g


def butterfly_margin(svi: Svi, low: float, high: float) -> float:
    """The least g(k) from `low` to `high`; below zero some butterfly there has a negative price."""
    return float(svi.density_factor(np.linspace(low, high, _GRID)).min())


def calendar_margin(near: Svi, far: Svi, low: float, high: float) -> float | None:
    """The least w_far(k) - w_near(k) from `low` to `high`; below zero the later expiry is worth less. None if empty."""
    if low >= high:
        return None
    k = np.linspace(low, high, _GRID)
    return float((far.variance(k) - near.variance(k)).min())
