"""Resolution of implied volatilities: effect of the last printed digit of a price and of a forward."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from market.options.black76 import Bools, Floats, d1

POINT = 0.01  # a volatility is undetermined when one printed unit moves it by this much
MAX_PRICE_UNIT = 1e-4  # fraction of the forward; round numbers of a small chain do not show the exchange's decimals
MAX_FORWARD_UNIT = 1e-6  # fraction of the forward
_MAX_DECIMALS = 10  # numbers with more are computed, not printed
_TOLERANCE = 1e-12


def printed_units(values: Floats, parts: Sequence[slice]) -> Floats:
    """Unit of the last printed digit, shape (n,): by the longest number of each part; 0 where one is computed."""
    decimals = np.zeros(values.shape)
    open_rows = np.flatnonzero(np.isfinite(values))
    for count in range(_MAX_DECIMALS + 1):
        scaled = values[open_rows] * 10.0**count
        open_rows = open_rows[np.abs(scaled - np.rint(scaled)) > _TOLERANCE * np.maximum(np.abs(scaled), 1)]
        if not open_rows.size:
            break
        decimals[open_rows] = count + 1
    units = np.zeros(values.shape)
    for part in parts:
        longest = decimals[part].max()
        units[part] = 0.0 if longest > _MAX_DECIMALS else 10.0**-longest
    return units


class PricedVols(NamedTuple):
    """Volatilities with the inputs they were solved from, all of one shape.

    `price`: undiscounted, in the quote currency. `price_unit` and `forward_unit`: last printed digits of price and
    forward, in the quote currency.
    """

    vol: Floats
    price: Floats
    forward: Floats
    strike: Floats
    years: Floats
    is_call: Bools
    linear: Bools
    price_unit: Floats
    forward_unit: Floats


def undetermined(at: PricedVols) -> Bools:
    """True where one unit of the price or of the forward moves the volatility by a point or more.

    The price of an inverse option is printed in coin, so its price in the quote currency moves with the forward. False
    where the volatility is NaN.
    """
    with np.errstate(all="ignore"):
        d_1 = d1(at.forward, at.strike, at.years, at.vol)
        vega = at.forward * np.exp(-0.5 * d_1 * d_1) / np.sqrt(2 * np.pi) * np.sqrt(at.years)
        delta = np.where(at.is_call, ndtr(d_1), -ndtr(-d_1))
        by_forward = np.abs(np.where(at.linear, 0.0, at.price / at.forward) - delta) * at.forward_unit
        moves: Bools = np.isfinite(at.vol) & (np.maximum(at.price_unit, by_forward) >= POINT * vega)
    return moves
