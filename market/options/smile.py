"""Smile of one expiry: at-the-money volatility, straddle, 25-delta risk reversal and butterfly, skew slope."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from market.options.black76 import Floats, d1
from market.options.kinds import PriceSource

DELTA_25 = 0.25


class Smile(NamedTuple):
    """Volatility by strike, shape (n,): that of the out-of-the-money option, or of its counterpart if it has none.

    `k` = ln(K/F), ascending. `vol`: fractions a year. `call_delta` = N(d1), descending from the put wing to the call
    wing: the 25-delta put lies at 0.75, the 25-delta call at 0.25.
    """

    k: Floats
    vol: Floats
    call_delta: Floats


class Skew(NamedTuple):
    """`risk_reversal` = call - put and `butterfly` = (call + put) / 2 - at the money (FX convention), both at 25 delta.

    `slope`: change of volatility per unit of ln(K/F), least squares over the strikes between the two 25-delta points.
    Volatilities are fractions. None where the strikes do not reach 25 delta on both sides.
    """

    risk_reversal: float | None
    butterfly: float | None
    slope: float | None


class Straddle(NamedTuple):
    """Call and put at the at-the-money strike. `price`: quote currency; `forward_share`: price / forward.

    `forward_share` is the price in coin of an inverse straddle and the implied move: the mean absolute move to the
    expiry as a fraction of the forward. `source`: `mid` when both legs have a bid below their ask, else `mark`.
    """

    price: float
    forward_share: float
    source: PriceSource


def build_smile(strikes: Floats, call_vol: Floats, put_vol: Floats, forward: float, years: float) -> Smile:
    """Smile of one expiry from volatilities by strike (NaN: none), shape (n,), at `forward`, `years` before expiry."""
    above = strikes >= forward
    out_of_money, in_money = np.where(above, (call_vol, put_vol), (put_vol, call_vol))
    vol = np.where(np.isnan(out_of_money), in_money, out_of_money)
    known = np.flatnonzero(vol > 0)
    strikes, vol = strikes[known], vol[known]
    return Smile(np.log(strikes / forward), vol, ndtr(d1(forward, strikes, years, vol)))


def atm_vol(smile: Smile) -> float | None:
    """Volatility at the forward: total variance interpolated in ln(K/F) between the strikes around it; else None."""
    if not smile.k.size or smile.k[0] > 0 or smile.k[-1] < 0:
        return None
    return float(np.sqrt(np.interp(0.0, smile.k, smile.vol**2)))


def skew(smile: Smile) -> Skew:
    """25-delta measures of a smile, interpolated in delta between neighbouring strikes, without extrapolation."""
    call, put, atm = _vol_at_delta(smile, DELTA_25), _vol_at_delta(smile, 1 - DELTA_25), atm_vol(smile)
    if call is None or put is None:
        return Skew(None, None, None)
    between = (smile.call_delta >= DELTA_25) & (smile.call_delta <= 1 - DELTA_25)
    return Skew(
        risk_reversal=call - put,
        butterfly=None if atm is None else (call + put) / 2 - atm,
        slope=_slope(smile.k[between], smile.vol[between]),
    )


def atm_strike(strikes: Floats, forward: float) -> float:
    """Listed strike nearest to the forward; the lower of two equally near strikes."""
    return float(strikes[np.argmin(np.abs(strikes - forward))])


def straddle(mids: Floats, marks: Floats, unit_value: float, forward: float) -> Straddle | None:
    """Straddle of a call and a put as quoted, shape (2,), NaN: none; None when a leg has neither mid nor mark.

    `unit_value` converts a quoted price to the quote currency.
    """
    sums: tuple[tuple[PriceSource, float], ...] = (("mid", float(mids.sum())), ("mark", float(marks.sum())))
    straddles = (Straddle(legs * unit_value, legs * unit_value / forward, source) for source, legs in sums if legs > 0)
    return next(straddles, None)


def _vol_at_delta(smile: Smile, call_delta: float) -> float | None:
    """Volatility where N(d1) first falls below `call_delta`, from low strikes to high; None where it does not."""
    below = np.flatnonzero(smile.call_delta < call_delta)
    if not below.size or below[0] == 0:
        return None
    upper = int(below[0])
    pair = [upper, upper - 1]
    return float(np.interp(call_delta, smile.call_delta[pair], smile.vol[pair]))


def _slope(k: Floats, vol: Floats) -> float | None:
    if k.size < 2:
        return None
    centred = k - k.mean()
    return float(centred @ vol / (centred @ centred))
