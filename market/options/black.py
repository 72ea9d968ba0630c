"""Undiscounted Black-76: prices and Greeks of a whole chain at once.

Everything broadcasts over arrays of one shape. Forward and strike are in the quote currency, `years` is act/365 to the
expiry, `vol` is a fraction a year. Where an argument has no meaning (a price or time not above zero, a missing number)
the answer is NaN; nothing is raised.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

DAYS_PER_YEAR = 365.0
_ROOT_HALF = np.sqrt(0.5)
_ROOT_2_PI = np.sqrt(2 * np.pi)


class Greeks(NamedTuple):
    """Greeks of one coin of notional in the quote currency, in the units of the venues.

    `delta` per unit of the forward, `gamma` per unit of it again, `vega` and `rho` per point (0.01) of volatility and
    of interest rate, `theta` per calendar day. Each has the shape of the broadcast arguments.
    """

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def scaled_call(x: Floats, s: Floats) -> tuple[Floats, Floats]:
    """The normalised call b(x, s) as the pair (ln of its Gaussian factor, its scaled rest); b = exp(first) * second.

    x = ln(F/K) <= 0 and s = vol * sqrt(years) > 0. The pair neither underflows nor loses digits in the wings, and the
    derivative of ln b by s is sqrt(2 / pi) / (2 * second). (P. Jäckel, "Let's Be Rational", Wilmott 75, 2015, §2.)
    """
    h, t = x / s, 0.5 * s
    return -0.5 * (h * h + t * t), 0.5 * (erfcx(-_ROOT_HALF * (h + t)) - erfcx(_ROOT_HALF * (t - h)))


def price(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Floats:
    """Undiscounted price in the quote currency: the intrinsic value plus the price of the out-of-the-money twin."""
    with np.errstate(all="ignore"):
        exponent, rest = scaled_call(-np.abs(np.log(forward / strike)), vol * np.sqrt(years))
        intrinsic = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
        value = intrinsic + np.sqrt(forward) * np.sqrt(strike) * np.exp(exponent) * rest
    return _meaningful(value, forward, strike, years, vol)


def d1(forward: Floats | float, strike: Floats, years: Floats | float, vol: Floats) -> Floats:
    """[ln(F/K) + vol² * years / 2] / (vol * sqrt(years)), without a look at its arguments."""
    s = vol * np.sqrt(years)
    value: Floats = np.log(forward / strike) / s + 0.5 * s
    return value


def greeks(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Greeks:
    """Closed-form Greeks; `rho` holds the spot and lets the forward move with the rate, as the venues print it."""
    with np.errstate(all="ignore"):
        root = np.sqrt(years)
        first = d1(forward, strike, years, vol)
        sign = np.where(is_call, 1.0, -1.0)
        density = np.exp(-0.5 * first * first) / _ROOT_2_PI
        vega = forward * density * root
        values = (
            sign * ndtr(sign * first),
            density / (forward * vol * root),
            vega / 100,
            -vega * vol / (2 * years) / DAYS_PER_YEAR,
            sign * strike * years * ndtr(sign * (first - vol * root)) / 100,
        )
    return Greeks(*(_meaningful(value, forward, strike, years, vol) for value in values))


def _meaningful(value: Floats, *positive: Floats) -> Floats:
    """`value`, with NaN wherever one of the arguments is not a finite number above zero."""
    sound = np.isfinite(value)
    for argument in positive:
        sound = sound & (argument > 0) & np.isfinite(argument)
    return np.where(sound, value, np.nan)
