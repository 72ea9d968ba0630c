"""Measures of smiles with known answers, and of smiles with too few strikes."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from market.options.smile import Smile, atm_strike, atm_vol, build_smile, skew, straddle

FORWARD, YEARS = 100.0, 0.25
NO_VOLS = np.full(41, np.nan)
STRIKES = np.linspace(60, 140, 41)


def at_delta(call_delta: float, vol: float) -> float:
    """Strike with N(d1) = `call_delta` at `vol`."""
    return FORWARD * math.exp(0.5 * vol * vol * YEARS - ndtri(call_delta) * vol * math.sqrt(YEARS))


def test_a_flat_smile_has_no_skew():
    found = skew(build_smile(STRIKES, np.full(41, 0.5), np.full(41, 0.5), FORWARD, YEARS))
    assert (found.risk_reversal, found.butterfly, found.slope) == pytest.approx((0, 0, 0), abs=1e-12)


def test_25_delta_measures_of_a_smile_with_strikes_at_25_delta():
    put, middle, call = at_delta(0.75, 0.6), FORWARD, at_delta(0.25, 0.5)
    strikes = np.array([put * 0.9, put, middle, call, call * 1.1])
    smile = build_smile(strikes, np.array([0.65, 0.6, 0.52, 0.5, 0.51]), NO_VOLS[:5], FORWARD, YEARS)
    found = skew(smile)
    assert found.risk_reversal == pytest.approx(0.5 - 0.6)
    assert found.butterfly == pytest.approx((0.5 + 0.6) / 2 - 0.52)
    assert found.slope < 0
    assert atm_vol(smile) == pytest.approx(0.52)


def test_the_smile_uses_the_out_of_the_money_option_or_else_its_counterpart():
    calls, puts = np.array([0.9, 0.9, 0.5]), np.array([0.6, np.nan, 0.9])
    smile = build_smile(np.array([80.0, 90.0, 120.0]), calls, puts, FORWARD, YEARS)
    assert smile.vol.tolist() == [0.6, 0.9, 0.5]
    assert np.all(np.diff(smile.call_delta) < 0)


def test_volatility_at_the_forward_is_interpolated_in_variance():
    smile = build_smile(
        np.array([100 * math.exp(-0.1), 100 * math.exp(0.1)]), NO_VOLS[:2], np.array([0.4, 0.6]), FORWARD, YEARS
    )
    assert atm_vol(smile) == pytest.approx(math.sqrt((0.16 + 0.36) / 2))


@pytest.mark.parametrize("strikes", [[], [90.0], [110.0, 120.0], [80.0, 90.0]])
def test_strikes_on_one_side_only_give_no_measures(strikes):
    vols = np.full(len(strikes), 0.5)
    smile = build_smile(np.array(strikes), vols, vols, FORWARD, YEARS)
    assert atm_vol(smile) is None
    assert skew(smile) == (None, None, None)


def test_strikes_that_do_not_reach_25_delta_give_no_skew():
    smile = build_smile(np.array([99.0, 101.0]), np.full(2, 0.5), np.full(2, 0.5), FORWARD, YEARS)
    assert atm_vol(smile) == pytest.approx(0.5)
    assert skew(smile) == (None, None, None)


def test_the_slope_is_per_unit_of_log_moneyness():
    vols = 0.5 - 0.3 * np.log(STRIKES / FORWARD)
    assert skew(build_smile(STRIKES, vols, vols, FORWARD, YEARS)).slope == pytest.approx(-0.3)


@pytest.mark.parametrize(("forward", "strike"), [(101, 100), (95, 90), (95.01, 100), (1, 90), (999, 110)])
def test_at_the_money_is_the_strike_nearest_to_the_forward(forward, strike):
    assert atm_strike(np.array([90.0, 100.0, 110.0]), forward) == strike


def test_straddle_equals_the_published_example():
    """S1: spot 70, call 2.00 and put 2.50."""
    found = straddle(np.array([2.0, 2.5]), np.array([9.0, 9.0]), 1.0, 70.0)
    assert (found.price, found.source) == (4.5, "mid")
    assert found.forward_share == pytest.approx(0.064, abs=5e-4)


def test_straddle_in_coin_is_the_implied_move_and_falls_back_to_marks():
    found = straddle(np.array([0.02, np.nan]), np.array([0.021, 0.019]), 50_000.0, 50_000.0)
    assert found == (pytest.approx(2000), pytest.approx(0.04), "mark")


def test_a_leg_without_a_price_gives_no_straddle():
    assert straddle(np.array([0.02, np.nan]), np.array([np.nan, 0.019]), 1.0, 70.0) is None


def test_an_empty_smile_has_no_measures():
    empty = Smile(np.array([]), np.array([]), np.array([]))
    assert atm_vol(empty) is None
    assert skew(empty) == (None, None, None)
