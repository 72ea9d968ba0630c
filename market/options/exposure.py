"""Exposure of options: decay while an expiry settles, gamma exposure of open interest, and its zero level.

The delivery price is an average of the index over the last 30 minutes before the expiry. Exposure decays linearly to
zero while that average is taken.
"""

import numpy as np
from numpy.typing import NDArray

from market.options.black76 import DAYS_PER_YEAR, Bools, Floats, d1

SETTLEMENT_YEARS = 30 / (DAYS_PER_YEAR * 24 * 60)
PERCENT = 0.01
# Moves of the forward at which the profile is evaluated: 30 % either way, in steps of one percent.
MOVES = np.linspace(-0.3, 0.3, 61)
_ROUNDING = 1e-12  # share of the gross exposure below which a sum of calls and puts that cancel is zero


def unsettled_share(years: Floats) -> Floats:
    """Share of the delivery price that is not averaged yet: 1 until 30 minutes before the expiry, 0 from the expiry."""
    return np.clip(years / SETTLEMENT_YEARS, 0, 1)


def net_delta(delta: Floats, mark: Floats, unsettled_share: Floats) -> Floats:
    """Net transaction delta of an inverse option, in coin: decayed `delta` less the decayed mark price in coin."""
    return delta - mark * unsettled_share


def gamma_exposure(gamma: Floats, open_interest: Floats, forward: Floats) -> Floats:
    """Gross gamma exposure, gamma * OI * F² * 0.01: quote currency of delta gained per 1 % move of the forward.

    `gamma` is per unit of the quote currency and coin of notional, `open_interest` in coin; all of one shape. 0 where
    gamma or open interest is unknown.
    """
    return np.nan_to_num(gamma * open_interest * forward * forward * PERCENT)


def naive_sign(is_call: Bools) -> Floats:
    """+1 for calls, -1 for puts: the scenario in which dealers are long every call and short every put."""
    return np.where(is_call, 1.0, -1.0)


def naive_profile(
    forward: Floats, strike: Floats, years: Floats, vol: Floats, signed_interest: Floats, starts: NDArray[np.intp]
) -> Floats:
    """Naive gamma exposure of each expiry at each of `MOVES`; shape (expiries, moves), quote currency per 1 %.

    Every option keeps its volatility (sticky strike) and all forwards move by the same fraction. `starts`: first row of
    each expiry; the other arguments have shape (n,). Options without gamma or open interest count as zero.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        s = vol * np.sqrt(years)
        scale = np.nan_to_num(signed_interest * forward * PERCENT / (s * np.sqrt(2 * np.pi)), posinf=0, neginf=0)
        d_1 = np.nan_to_num(d1(forward, strike, years, vol))
        d1_per_log_move = np.nan_to_num(1 / s, posinf=0)
    factor = 1 + MOVES[:, None]
    moved_d1 = d_1 + np.log(factor) * d1_per_log_move
    exposure = np.exp(-0.5 * moved_d1 * moved_d1) * (factor * scale)
    profile: Floats = np.add.reduceat(exposure, starts, axis=1).T
    gross = np.add.reduceat(np.abs(exposure), starts, axis=1).T
    return np.where(np.abs(profile) <= _ROUNDING * gross, 0.0, profile)


def zero_gamma_level(profile: Floats, forward: float) -> float | None:
    """Forward nearest to the present one at which `profile`, shape (moves,), changes sign; linear between moves.

    None where the profile does not change sign within `MOVES`.
    """
    crossings = np.flatnonzero(profile[:-1] * profile[1:] < 0)
    if not crossings.size:
        return None
    left, right = profile[crossings], profile[crossings + 1]
    moves = MOVES[crossings] + (MOVES[crossings + 1] - MOVES[crossings]) * left / (left - right)
    return float(forward * (1 + moves[np.argmin(np.abs(moves))]))
