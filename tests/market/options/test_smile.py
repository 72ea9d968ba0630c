"""Smile measures on smiles whose answers are known, and on chains too small to have any."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from market.options.smile import Smile, atm_strike, atm_vol, skew, smile, straddle

FORWARD, YEARS = 100.0, 0.25
NONE = np.full(41, np.nan)
STRIKES = np.linspace(60, 140, 41)


def at_delta(call_delta: float, vol: float) -> float:
    """The strike whose N(d1) is `call_delta` at `vol`."""
    return FORWARD * math.exp(0.5 * vol * vol * YEARS - ndtri(call_delta) * vol * math.sqrt(YEARS))


def test_a_flat_smile_has_no_skew():
    found = skew(smile(STRIKES, np.full(41, 0.5), np.full(41, 0.5), FORWARD, YEARS))
    assert (found.risk_reversal, found.butterfly, found.slope) == pytest.approx((0, 0, 0), abs=1e-12)


def test_25_delta_measures_of_a_smile_with_strikes_at_25_delta():
    put, middle, call = at_delta(0.75, 0.6), FORWARD, at_delta(0.25, 0.5)
    strikes = np.array([put * 0.9, put, middle, call, call * 1.1])
    points = smile(strikes, np.array([0.65, 0.6, 0.52, 0.5, 0.51]), NONE[:5], FORWARD, YEARS)
    found = skew(points)
    assert found.risk_reversal == pytest.approx(0.5 - 0.6)
    assert found.butterfly == pytest.approx((0.5 + 0.6) / 2 - 0.52)
    assert found.slope < 0
    assert atm_vol(points) == pytest.approx(0.52)


def test_the_out_of_the_money_option_speaks_and_its_twin_when_it_is_silent():
    calls, puts = np.array([0.9, 0.9, 0.5]), np.array([0.6, np.nan, 0.9])
    points = smile(np.array([80.0, 90.0, 120.0]), calls, puts, FORWARD, YEARS)
    assert points.vol.tolist() == [0.6, 0.9, 0.5]
    assert np.all(np.diff(points.call_delta) < 0)


def test_volatility_at_the_forward_is_interpolated_in_variance():
    points = smile(
        np.array([100 * math.exp(-0.1), 100 * math.exp(0.1)]), NONE[:2], np.array([0.4, 0.6]), FORWARD, YEARS
    )
    assert atm_vol(points) == pytest.approx(math.sqrt((0.16 + 0.36) / 2))


@pytest.mark.parametrize("strikes", [[], [90.0], [110.0, 120.0], [80.0, 90.0]])
def test_no_strikes_on_both_sides_no_measures(strikes):
    vols = np.full(len(strikes), 0.5)
    points = smile(np.array(strikes), vols, vols, FORWARD, YEARS)
    assert atm_vol(points) is None
    assert skew(points) == (None, None, None)


def test_strikes_that_do_not_reach_25_delta():
    points = smile(np.array([99.0, 101.0]), np.full(2, 0.5), np.full(2, 0.5), FORWARD, YEARS)
    assert atm_vol(points) == pytest.approx(0.5)
    assert skew(points) == (None, None, None)


def test_slope_is_per_unit_of_log_moneyness():
    vols = 0.5 - 0.3 * np.log(STRIKES / FORWARD)
    assert skew(smile(STRIKES, vols, vols, FORWARD, YEARS)).slope == pytest.approx(-0.3)


@pytest.mark.parametrize(("forward", "strike"), [(101, 100), (95, 90), (95.01, 100), (1, 90), (999, 110)])
def test_at_the_money_is_the_strike_nearest_to_the_forward(forward, strike):
    assert atm_strike(np.array([90.0, 100.0, 110.0]), forward) == strike


def test_straddle_of_the_teaching_example():
    """S1: spot 70, call 2.00 and put 2.50."""
    found = straddle(np.array([2.0, 2.5]), np.array([9.0, 9.0]), 1.0, 70.0)
    assert (found.price, found.source) == (4.5, "mid")
    assert found.coin == pytest.approx(0.064, abs=5e-4)


def test_straddle_in_coin_is_the_move_and_falls_back_to_marks():
    found = straddle(np.array([0.02, np.nan]), np.array([0.021, 0.019]), 50_000.0, 50_000.0)
    assert found == (pytest.approx(2000), pytest.approx(0.04), "mark")


def test_a_leg_without_any_price_leaves_no_straddle():
    assert straddle(np.array([0.02, np.nan]), np.array([np.nan, 0.019]), 1.0, 70.0) is None


def test_an_empty_smile_is_quiet():
    empty = Smile(np.array([]), np.array([]), np.array([]))
    assert atm_vol(empty) is None
    assert skew(empty) == (None, None, None)
