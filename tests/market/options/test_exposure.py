"""Gamma exposure and its zero level."""

import numpy as np
import pytest

from market.options.black import greeks
from market.options.exposure import MOVES, naive_profile, naive_sign, per_percent, zero_level

STRIKE = np.array([90.0, 100.0, 110.0, 95.0])
YEARS = np.array([0.1, 0.1, 0.1, 0.3])
VOL = np.array([0.6, 0.5, 0.55, 0.4])
CALL = np.array([False, True, True, False])
HELD = np.array([30.0, 10.0, 20.0, 5.0])
STARTS = np.array([0, 3])


def exposures(forward: float) -> np.ndarray:
    """Naive exposure of each option with the forward there, by way of the Greeks."""
    at = np.full(4, forward)
    return naive_sign(CALL) * per_percent(greeks(at, STRIKE, YEARS, VOL, CALL).gamma, HELD, at)


def profile() -> np.ndarray:
    return naive_profile(np.full(4, 100.0), STRIKE, YEARS, VOL, naive_sign(CALL) * HELD, STARTS)


def test_dollars_per_percent():
    assert per_percent(np.array([2e-5]), np.array([100.0]), np.array([50_000.0])) == pytest.approx(50_000.0)
    assert per_percent(np.array([np.nan, 1e-5]), np.array([1.0, np.nan]), np.array([1.0, 1.0])).tolist() == [0, 0]


def test_profile_is_the_exposure_with_the_forward_moved():
    for move, near, far in zip(MOVES, *profile(), strict=True):
        each = exposures(100 * (1 + move))
        assert (near, far) == pytest.approx((each[:3].sum(), each[3]), rel=1e-10)


def test_at_the_zero_level_the_exposure_is_zero():
    level = zero_level(profile().sum(axis=0), 100.0)
    assert abs(exposures(level).sum()) < 0.02 * np.abs(exposures(level)).sum()
    assert exposures(level - 5).sum() < 0 < exposures(level + 5).sum()


def test_calls_alone_never_cross_zero():
    assert zero_level(np.abs(profile()[0]), 100.0) is None
    assert zero_level(np.zeros(len(MOVES)), 100.0) is None


def test_calls_and_puts_that_cancel_have_no_zero_level():
    strikes, kinds = np.repeat(np.linspace(80, 120, 21), 2), np.tile([True, False], 21)
    same = [np.full(42, value) for value in (100.0, 0.1, 0.5)]
    cancelling = naive_profile(same[0], strikes, same[1], same[2], naive_sign(kinds) * 7.3, np.array([0]))
    assert not cancelling.any()
    assert zero_level(cancelling[0], 100.0) is None


def test_of_several_crossings_the_nearest_counts():
    assert zero_level(np.sin(MOVES * 40 + 0.5), 100.0) == pytest.approx(100 * (1 - 0.5 / 40), abs=0.05)


def test_options_without_volatility_time_or_interest_count_nothing():
    bad = np.array([np.nan, 0.0, -0.1, 0.5])
    counted = naive_profile(np.full(4, 100.0), STRIKE, bad, bad, np.array([1.0, 1.0, 1.0, np.nan]), np.array([0]))
    assert not counted.any()
