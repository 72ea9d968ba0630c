"""Open interest by strike: put-call ratio, max pain, walls. Sums are exact: open interest is in fixed-point numbers."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from market.options.black76 import Floats

FixedPoint: TypeAlias = NDArray[np.int64]

_SCALE = 1_000_000


class MaxPain(NamedTuple):
    """Strike at which the payout to the holders of one expiry's options is least.

    All strikes from `low` to `high` tie; `strike` is the one nearest to the forward, then the lower. `payout`: the
    payout at `strike`, in the quote currency. `coin_strike`: the strike that minimises the payout in coin.
    `degenerate`: True when only one strike is listed.
    """

    strike: float
    low: float
    high: float
    payout: float
    coin_strike: float
    degenerate: bool


def to_fixed_point(amounts: Floats) -> FixedPoint:
    """Amounts in millionths, NaN as 0. Sums of up to 900 amounts below 1e10 are exact, in any order."""
    values: FixedPoint = np.rint(np.where(np.isnan(amounts), 0, amounts) * _SCALE).astype(np.int64)
    return values


def from_fixed_point(value: np.int64) -> float:
    """Amount of one fixed-point number."""
    return int(value) / _SCALE


def put_call_ratio(puts: FixedPoint, calls: FixedPoint) -> float | None:
    """Ratio of the sum of puts to the sum of calls, [0, inf); None when the calls sum to zero."""
    call_sum = int(calls.sum())
    return int(puts.sum()) / call_sum if call_sum else None


def max_pain(strikes: Floats, calls: FixedPoint, puts: FixedPoint, forward: float | None) -> MaxPain | None:
    """Max pain of one expiry; None without open interest. Ascending `strikes`, open interest per strike, shape (n,).

    The payout is convex and piecewise linear with kinks at the strikes. Its slope above a strike is the calls at or
    below it less the puts above it. Slopes are exact, so a tie is a slope of exactly zero. `forward` only chooses among
    ties; without one the lowest strike is chosen.
    """
    slope = np.cumsum(calls) + np.cumsum(puts) - puts.sum()
    if not (calls.any() or puts.any()):
        return None
    first, last = int(np.searchsorted(slope, 0)), int(np.searchsorted(slope, 0, side="right"))
    tied = strikes[first : last + 1]
    best = first + _nearest_index(tied, forward)
    payouts = payout_by_strike(strikes, calls, puts)
    return MaxPain(
        strike=float(strikes[best]),
        low=float(tied[0]),
        high=float(tied[-1]),
        payout=float(payouts[best]),
        coin_strike=float(strikes[np.argmin(payouts / strikes)]),
        degenerate=len(strikes) == 1,
    )


def payout_by_strike(strikes: Floats, calls: FixedPoint, puts: FixedPoint) -> Floats:
    """Total payout in the quote currency if the expiry settles at each of its strikes; shape (n,)."""
    call_value, put_value = np.cumsum(calls * strikes), np.cumsum(puts * strikes)
    to_calls = strikes * np.cumsum(calls) - call_value
    to_puts = put_value[-1] - put_value - strikes * (puts.sum() - np.cumsum(puts))
    value: Floats = (to_calls + to_puts) / _SCALE
    return value


def wall(strikes: Floats, open_interest: FixedPoint, forward: float | None) -> float | None:
    """Strike with the most open interest of one kind; of ties the nearest to the forward, then the lower."""
    most = open_interest.max()
    if not most:
        return None
    tied = strikes[open_interest == most]
    return float(tied[_nearest_index(tied, forward)])


def _nearest_index(strikes: Floats, forward: float | None) -> int:
    return 0 if forward is None or len(strikes) == 1 else int(np.argmin(np.abs(strikes - forward)))
