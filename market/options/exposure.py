"""Gamma exposure of open interest, and the level of the forward at which its naive sum changes sign."""

import numpy as np
from numpy.typing import NDArray

from market.options.black import Bools, Floats, d1

PERCENT = 0.01
# Moves of the forward at which the sum is looked at: a third either way, in steps under one percent.
MOVES = np.linspace(-0.3, 0.3, 61)
_ROUNDING = 1e-12  # of the gross exposure: calls and puts that cancel are zero, not a sign


def per_percent(gamma: Floats, open_interest: Floats, forward: Floats) -> Floats:
    """USD of delta gained per 1 % move of the forward, gross: gamma * OI * F² * 0.01; 0 where there is no interest.

    `gamma` is per USD and per coin, `open_interest` in coin; same shape as the arguments.
    """
    return np.nan_to_num(gamma * open_interest * forward * forward * PERCENT)


def naive_sign(is_call: Bools) -> Floats:
    """+1 for calls, -1 for puts: the scenario in which dealers are long every call and short every put."""
    return np.where(is_call, 1.0, -1.0)


def naive_profile(
    forward: Floats, strike: Floats, years: Floats, vol: Floats, signed_interest: Floats, starts: NDArray[np.intp]
) -> Floats:
    """Naive gamma exposure at each of `MOVES`, per expiry; shape (expiries, moves), USD per 1 %.

    Every option keeps its volatility (sticky strike) and every forward moves by the same fraction. `starts`: the first
    row of each expiry; the other arguments have one element an option. What has no gamma or no interest counts nothing.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        s = vol * np.sqrt(years)
        scale = np.nan_to_num(signed_interest * forward * PERCENT / (s * np.sqrt(2 * np.pi)), posinf=0, neginf=0)
        first = np.nan_to_num(d1(forward, strike, years, vol))
        per_move = np.nan_to_num(1 / s, posinf=0)
    factor = 1 + MOVES[:, None]
    shifted = first + np.log(factor) * per_move
    each = np.exp(-0.5 * shifted * shifted) * (factor * scale)
    profile: Floats = np.add.reduceat(each, starts, axis=1).T
    gross = np.add.reduceat(np.abs(each), starts, axis=1).T
    return np.where(np.abs(profile) <= _ROUNDING * gross, 0.0, profile)


def zero_level(profile: Floats, forward: float) -> float | None:
    """The forward nearest to the present one at which a profile over `MOVES` crosses zero, between moves linearly.

    None where it does not cross within the moves.
    """
    crossings = np.flatnonzero(profile[:-1] * profile[1:] < 0)
    if not crossings.size:
        return None
    left, right = profile[crossings], profile[crossings + 1]
    moves = MOVES[crossings] + (MOVES[crossings + 1] - MOVES[crossings]) * left / (left - right)
    return float(forward * (1 + moves[np.argmin(np.abs(moves))]))
