"""Raw SVI curve of one expiry's smile, and its static arbitrage.

Sources: Gatheral 2004 (raw SVI); Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance
14(1), 2014 (conditions of arbitrage).
"""

from typing import NamedTuple

import numpy as np

from market.options.black76 import Floats

_GRID_POINTS = 101


class Svi(NamedTuple):
    """Parameters of w(k) = a + b * (rho * (k - m) + sqrt((k - m)² + s²)), total variance over k = ln(K/F)."""

    a: float
    b: float
    rho: float
    m: float
    s: float

    def total_variance(self, k: Floats) -> Floats:
        """Total variance vol² * years at each k."""
        y = k - self.m
        w: Floats = self.a + self.b * (self.rho * y + np.sqrt(y * y + self.s**2))
        return w

    def density_factor(self, k: Floats) -> Floats:
        """g(k) = (1 - k w'/(2w))² - (w'²/4)(1/w + 1/4) + w''/2. A negative value is butterfly arbitrage."""
        y = k - self.m
        root = np.sqrt(y * y + self.s**2)
        w = self.total_variance(k)
        slope = self.b * (self.rho + y / root)
        curvature = self.b * self.s**2 / root**3
        g: Floats = (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + curvature / 2
        return g


def butterfly_margin(svi: Svi, low: float, high: float) -> float:
    """Least g(k) from `low` to `high`. A negative margin means that some butterfly there has a negative price."""
    return float(svi.density_factor(np.linspace(low, high, _GRID_POINTS)).min())


def calendar_margin(near: Svi, far: Svi, low: float, high: float) -> float | None:
    """Least w_far(k) - w_near(k) from `low` to `high`; None where the range is empty.

    A negative margin means that some calendar spread there has a negative price.
    """
    if low >= high:
        return None
    k = np.linspace(low, high, _GRID_POINTS)
    return float((far.total_variance(k) - near.total_variance(k)).min())
