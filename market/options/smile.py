"""One expiry's smile: at-the-money volatility, straddle, 25-delta risk reversal and butterfly, skew."""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from scipy.special import ndtr

from market.options.black import Floats, d1

QUARTER = 0.25
PriceSource: TypeAlias = Literal["mid", "mark"]


class Smile(NamedTuple):
    """Volatility by strike, one point a strike, the out-of-the-money option's where it has one; shape (n,).

    `k` = ln(K/F), ascending; `vol`: fractions; `call_delta` = N(d1), descending from call wing to put wing: the
    25-delta call lies at 0.25, the 25-delta put at 0.75.
    """

    k: Floats
    vol: Floats
    call_delta: Floats


class Skew(NamedTuple):
    """`risk_reversal` = call - put and `butterfly` = (call + put) / 2 - at the money (FX), both at 25 delta.

    `slope`: change of volatility per unit of ln(K/F), least squares over the strikes between the two 25-delta points.
    Fractions; None where the strikes do not reach that far.
    """

    risk_reversal: float | None
    butterfly: float | None
    slope: float | None


class Straddle(NamedTuple):
    """Call and put at the at-the-money strike. `price` in the quote currency, `coin` as a share of the forward.

    `coin` is also the implied move: the mean absolute move to the expiry as a fraction of the forward. `source`: `mid`
    when both legs have a bid below their ask, else `mark`.
    """

    price: float
    coin: float
    source: PriceSource


def smile(strikes: Floats, call_vol: Floats, put_vol: Floats, forward: float, years: float) -> Smile:
    """The smile of one expiry from volatilities by strike (NaN: none), shape (n,), at `forward`, `years` ahead."""
    above = strikes >= forward
    first, second = np.where(above, (call_vol, put_vol), (put_vol, call_vol))
    vol = np.where(np.isnan(first), second, first)
    known = np.flatnonzero(vol > 0)
    strikes, vol = strikes[known], vol[known]
    delta = ndtr(d1(forward, strikes, years, vol))
    return Smile(np.log(strikes / forward), vol, delta)


def atm_vol(points: Smile) -> float | None:
    """Volatility at the forward: total variance interpolated in ln(K/F) between the strikes around it; else None."""
    if not points.k.size or points.k[0] > 0 or points.k[-1] < 0:
        return None
    return float(np.sqrt(np.interp(0.0, points.k, points.vol**2)))


def skew(points: Smile) -> Skew:
    """25-delta measures of a smile, interpolated in delta between neighbouring strikes, never beyond the last."""
    call, put, centre = _at(points, QUARTER), _at(points, 1 - QUARTER), atm_vol(points)
    both = call is not None and put is not None
    inside = (points.call_delta >= QUARTER) & (points.call_delta <= 1 - QUARTER)
    return Skew(
        risk_reversal=call - put if call is not None and put is not None else None,
        butterfly=(call + put) / 2 - centre if call is not None and put is not None and centre is not None else None,
        slope=_slope(points.k[inside], points.vol[inside]) if both else None,
    )


def atm_strike(strikes: Floats, forward: float) -> float:
    """The listed strike nearest to the forward; of two as near, the lower."""
    return float(strikes[np.argmin(np.abs(strikes - forward))])


def straddle(mids: Floats, marks: Floats, worth: float, forward: float) -> Straddle | None:
    """The straddle of a call and a put as quoted, shape (2,), NaN: none; None when a leg has neither mid nor mark.

    `worth` turns a quoted price into money.
    """
    sums: tuple[tuple[PriceSource, float], ...] = (("mid", float(mids.sum())), ("mark", float(marks.sum())))
    return next((Straddle(legs * worth, legs * worth / forward, source) for source, legs in sums if legs > 0), None)


def _at(points: Smile, call_delta: float) -> float | None:
    """Volatility where N(d1) passes `call_delta`, going from low strikes to high; None where it does not."""
    below = np.flatnonzero(points.call_delta < call_delta)
    if not below.size or below[0] == 0:
        return None
    upper = int(below[0])
    pair = [upper, upper - 1]
    return float(np.interp(call_delta, points.call_delta[pair], points.vol[pair]))


def _slope(k: Floats, vol: Floats) -> float | None:
    if k.size < 2:
        return None
    centred = k - k.mean()
    return float(centred @ vol / (centred @ centred))
