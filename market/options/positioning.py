"""Where open interest stands: put-call ratio, max pain, walls."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from market.options.black import Floats

Lots: TypeAlias = NDArray[np.int64]

_PER_UNIT = 1_000_000


class MaxPain(NamedTuple):
    """The strike at which the holders of one expiry's options are paid least.

    All strikes from `low` to `high` tie; `strike` is the one nearest to the forward, then the lower. `coin`: the strike
    that minimises the payout in coin. `degenerate`: there was but one strike. `pain`: the payout at `strike`, in the
    quote currency.
    """

    strike: float
    low: float
    high: float
    pain: float
    coin: float
    degenerate: bool


def lots(amounts: Floats) -> Lots:
    """Amounts in whole millionths, NaN as none: sums of up to 900 amounts below 1e10 are exact, in any order."""
    counts: Lots = np.rint(np.where(np.isnan(amounts), 0, amounts) * _PER_UNIT).astype(np.int64)
    return counts


def amount(held: Lots) -> float:
    """The sum of `held` as an amount."""
    return int(held.sum()) / _PER_UNIT


def ratio(puts: Lots, calls: Lots) -> float | None:
    """Put-call ratio as the ratio of sums, [0, inf); None when the calls sum to zero."""
    call_sum = int(calls.sum())
    return int(puts.sum()) / call_sum if call_sum else None


def max_pain(strikes: Floats, calls: Lots, puts: Lots, forward: float | None) -> MaxPain | None:
    """Max pain of one expiry; None without open interest. Ascending `strikes`, open interest per strike, shape (n,).

    The payout is convex and has its kinks at the strikes; its slope above a strike is the calls at or below it less the
    puts above it. Slopes are exact, so a tie is a slope of exactly zero. `forward` only chooses among ties (none: the
    lowest).
    """
    slope = np.cumsum(calls) + np.cumsum(puts) - puts.sum()
    if not (calls.any() or puts.any()):
        return None
    low, beyond = int(np.searchsorted(slope, 0)), int(np.searchsorted(slope, 0, side="right"))
    tied = strikes[low : beyond + 1]
    best = low + _nearest(tied, forward)
    pain = payout(strikes, calls, puts)
    return MaxPain(
        strike=float(strikes[best]),
        low=float(tied[0]),
        high=float(tied[-1]),
        pain=float(pain[best]),
        coin=float(strikes[np.argmin(pain / strikes)]),
        degenerate=len(strikes) == 1,
    )


def payout(strikes: Floats, calls: Lots, puts: Lots) -> Floats:
    """What the holders get, in the quote currency, if the expiry settles at each of its strikes; shape (n,)."""
    call_value, put_value = np.cumsum(calls * strikes), np.cumsum(puts * strikes)
    in_calls = strikes * np.cumsum(calls) - call_value
    in_puts = put_value[-1] - put_value - strikes * (puts.sum() - np.cumsum(puts))
    value: Floats = (in_calls + in_puts) / _PER_UNIT
    return value


def wall(strikes: Floats, held: Lots, forward: float | None) -> float | None:
    """The strike with the most open interest of one kind; of ties the nearest to the forward, then the lower."""
    most = held.max()
    if not most:
        return None
    tied = strikes[held == most]
    return float(tied[_nearest(tied, forward)])


def _nearest(strikes: Floats, forward: float | None) -> int:
    return 0 if forward is None or len(strikes) == 1 else int(np.argmin(np.abs(strikes - forward)))
