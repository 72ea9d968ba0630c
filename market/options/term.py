"""Term structure: volatility at the forward by expiry, and the variance between neighbouring expiries."""

from collections.abc import Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """From the expiry before to this one. `variance` a year; `vol` its root, None when negative (`calendar`)."""

    variance: float | None
    vol: float | None
    calendar: bool


NOTHING = Step(None, None, False)


def forward_steps(years: Sequence[float], vols: Sequence[float | None]) -> list[Step]:
    """Forward variance (v2² T2 - v1² T1) / (T2 - T1) of each expiry against the nearest earlier one with a volatility.

    `years` ascend. The first known expiry starts at zero variance, hence has its own; unknown ones have none.
    """
    steps, before, total = [], 0.0, 0.0
    for time, vol in zip(years, vols, strict=True):
        if vol is None or time <= before:
            steps.append(NOTHING)
            continue
        variance = (vol * vol * time - total) / (time - before)
        steps.append(Step(variance, variance**0.5 if variance >= 0 else None, variance < 0))
        before, total = time, vol * vol * time
    return steps
