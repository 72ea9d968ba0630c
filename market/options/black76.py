"""Undiscounted Black-76 prices and Greeks of a whole chain at once.

All functions broadcast over arrays of one shape. Forward and strike are in the quote currency, `years` is act/365 to
the expiry, `vol` is a fraction a year. Arguments without a meaning (a price or time not above zero, a missing number)
give NaN; nothing is raised.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

DAYS_PER_YEAR = 365.0
_SQRT_HALF = np.sqrt(0.5)
_SQRT_2_PI = np.sqrt(2 * np.pi)


class Greeks(NamedTuple):
    """Greeks of one coin of notional in the quote currency, in the units that exchanges publish.

    `delta` is per unit of the forward, `gamma` is the change of delta per unit of the forward, `vega` and `rho` are per
    point (0.01) of volatility and of interest rate, `theta` is per calendar day. All have the shape of the broadcast
    arguments.
    """

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats


def scaled_call(x: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Normalised call price b(x, s) as the pair (ln of the Gaussian factor, scaled rest); b = exp(first) * second.

    x = ln(F/K) <= 0 and s = vol * sqrt(years) > 0. The pair neither underflows nor loses digits in the wings. The
    derivative of ln b by s is sqrt(2 / pi) / (2 * second). (P. Jäckel, "Let's Be Rational", Wilmott 75, 2015, §2.)
    """
    h, t = x / s, 0.5 * s
    return -0.5 * (h * h + t * t), 0.5 * (erfcx(-_SQRT_HALF * (h + t)) - erfcx(_SQRT_HALF * (t - h)))


def price(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Floats:
    """Undiscounted price in the quote currency: intrinsic value plus the price of the out-of-the-money counterpart."""
    with np.errstate(all="ignore"):
        log_factor, scaled = scaled_call(-np.abs(np.log(forward / strike)), vol * np.sqrt(years))
        intrinsic = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
        value = intrinsic + np.sqrt(forward) * np.sqrt(strike) * np.exp(log_factor) * scaled
    return _nan_where_invalid(value, forward, strike, years, vol)


def d1(forward: Floats | float, strike: Floats, years: Floats | float, vol: Floats) -> Floats:
    """[ln(F/K) + vol² * years / 2] / (vol * sqrt(years)). Arguments are not checked."""
    s = vol * np.sqrt(years)
    value: Floats = np.log(forward / strike) / s + 0.5 * s
    return value


def greeks(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Greeks:
    """Closed-form Greeks. `rho` keeps the spot fixed and moves the forward with the rate, as exchanges publish it."""
    with np.errstate(all="ignore"):
        sqrt_years = np.sqrt(years)
        d_1 = d1(forward, strike, years, vol)
        sign = np.where(is_call, 1.0, -1.0)
        density = np.exp(-0.5 * d_1 * d_1) / _SQRT_2_PI
        vega = forward * density * sqrt_years
        values = (
            sign * ndtr(sign * d_1),
            density / (forward * vol * sqrt_years),
            vega / 100,
            -vega * vol / (2 * years) / DAYS_PER_YEAR,
            sign * strike * years * ndtr(sign * (d_1 - vol * sqrt_years)) / 100,
        )
    return Greeks(*(_nan_where_invalid(value, forward, strike, years, vol) for value in values))


def _nan_where_invalid(value: Floats, *positive: Floats) -> Floats:
    """`value`, with NaN where one of the arguments is not a finite number above zero."""
    valid = np.isfinite(value)
    for argument in positive:
        valid = valid & (argument > 0) & np.isfinite(argument)
    return np.where(valid, value, np.nan)
