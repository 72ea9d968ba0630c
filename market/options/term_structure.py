"""Term structure: forward variance and forward volatility between neighbouring expiries."""

from collections.abc import Sequence
from typing import NamedTuple


class ForwardVol(NamedTuple):
    """From the previous expiry to this one. `variance`: a year; `vol`: its square root.

    A negative variance is calendar arbitrage: `vol` is None and `calendar` is True.
    """

    variance: float | None
    vol: float | None
    calendar: bool


UNKNOWN = ForwardVol(None, None, False)


def forward_vols(years: Sequence[float], vols: Sequence[float | None]) -> list[ForwardVol]:
    """Forward variance (v2² T2 - v1² T1) / (T2 - T1) of each expiry from the nearest earlier one with a volatility.

    `years` ascend. The first known expiry has its own variance (T1 = 0). An expiry without a volatility is `UNKNOWN`.
    """
    result, previous_years, previous_variance = [], 0.0, 0.0
    for time, vol in zip(years, vols, strict=True):
        if vol is None or time <= previous_years:
            result.append(UNKNOWN)
            continue
        variance = (vol * vol * time - previous_variance) / (time - previous_years)
        result.append(ForwardVol(variance, variance**0.5 if variance >= 0 else None, variance < 0))
        previous_years, previous_variance = time, vol * vol * time
    return result
