"""Put-call ratio, max pain and walls equal published numbers and brute force."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.options.positioning import (
    from_fixed_point,
    max_pain,
    payout_by_strike,
    put_call_ratio,
    to_fixed_point,
    wall,
)

TENTHS = st.integers(0, 400)
LADDERS = st.lists(st.tuples(st.integers(1, 60), TENTHS, TENTHS), min_size=1, unique_by=lambda rung: rung[0])


def fixed_point(*amounts: float):
    return to_fixed_point(np.array(amounts, float))


@pytest.mark.parametrize(
    ("calls", "puts", "expected", "digits"),
    [
        (3_334_848, 2_604_381, 0.78, 2),
        (1_284_550, 1_367_015, 1.06, 2),
        (575_052, 485_444, 0.84, 2),
        (1_475_246, 751_922, 0.51, 2),
        (604_772, 291_430, 0.48, 2),
        (581_470, 1_041_710, 1.79, 2),
        (145_050_531, 148_335_219, 1.0226, 4),
        (42_874_200, 37_016_925, 0.863385, 6),
        (185_400, 142_300, 0.768, 3),
        (186_200, 143_100, 0.769, 3),
        (953.7, 512.5, 0.5374, 4),
        (1302.2, 1204.3, 0.9248, 4),
    ],
    ids=["P1a", "P1b", "P1c", "P1d", "P1e", "P1f", "P1g", "P2", "P3a", "P3b", "P4a", "P4b"],
)
def test_ratios_equal_published_ones(calls, puts, expected, digits):
    assert round(put_call_ratio(fixed_point(puts), fixed_point(calls)), digits) == expected


@pytest.mark.parametrize("puts", [0, 5])
def test_the_ratio_without_calls_is_null(puts):
    """P5."""
    assert put_call_ratio(fixed_point(puts), fixed_point(0)) is None


def test_the_ratio_of_several_expiries_is_a_ratio_of_sums():
    together = put_call_ratio(fixed_point(512.5, 1204.3), fixed_point(953.7, 1302.2))
    assert together == pytest.approx(0.7610, abs=5e-5)
    assert together != pytest.approx(0.7311, abs=1e-3)


@given(st.lists(TENTHS, min_size=1), st.lists(TENTHS, min_size=1))
def test_the_ratio_is_exact(puts, calls):
    expected = Fraction(sum(puts), sum(calls)) if sum(calls) else None
    found = put_call_ratio(fixed_point(*(n / 10 for n in puts)), fixed_point(*(n / 10 for n in calls)))
    assert found == (expected and float(expected))


M1 = ([95, 100, 105], [900, 4500, 2500], [2100, 3300, 500])
M2 = ([7700, 7800, 7900], [1823400, 3448575, 5367450], [5783025, 4864125, 2559375])
M3 = ([90, 100, 110, 120, 130], [100, 200, 50, 20, 10], [50, 150, 200, 300, 400])
M3P = ([90, 100, 110, 120, 130], [200, 200, 50, 20, 10], [50, 150, 200, 300, 400])
M4 = ([100, 110, 120], [1000, 2000, 500], [500, 1500, 2500])
M5 = ([90, 100, 110, 120], [0, 10, 0, 10], [10, 0, 10, 0])


def max_pain_of(chain, forward=None):
    strikes, calls, puts = chain
    return max_pain(np.array(strikes, float), fixed_point(*calls), fixed_point(*puts), forward)


@pytest.mark.parametrize(
    ("chain", "payouts", "answer"),
    [
        (M1, [21_500, 7_000, 31_500], 100),
        (M2, [998_287_500, 438_277_500, 709_537_500], 7800),
        (M3, [30_500, 21_000, 15_000, 11_500, 11_200], 130),
        (M4, [65_000, 35_000, 40_000], 110),
    ],
    ids=["M1", "M2", "M3", "M4"],
)
def test_max_pain_equals_published_answers(chain, payouts, answer):
    strikes, calls, puts = chain
    assert payout_by_strike(np.array(strikes, float), fixed_point(*calls), fixed_point(*puts)).tolist() == payouts
    found = max_pain_of(chain)
    assert (found.strike, found.low, found.high, found.payout) == (answer, answer, answer, min(payouts))
    assert not found.degenerate


def test_pooled_expiries_give_the_wrong_answer():
    """M3p: M3 with 100 more calls at 90 from the next expiry; pooling moves the answer from 130."""
    assert max_pain_of(M3P).strike == 120


@pytest.mark.parametrize(("forward", "strike"), [(None, 100), (99, 100), (105, 100), (106, 110), (400, 110)])
def test_a_tie_gives_a_range_and_the_strike_nearest_to_the_forward(forward, strike):
    """M5: payouts 200, 100, 100, 200."""
    found = max_pain_of(M5, forward)
    assert (found.low, found.high, found.strike, found.payout) == (100, 110, strike, 100)


def test_max_pain_without_open_interest_is_null():
    """M6."""
    assert max_pain_of(([], [], [])) is None
    assert max_pain_of(([90, 100], [0, 0], [0, 0])) is None
    assert max_pain_of(([90, 100], [np.nan, 0], [0, np.nan])) is None


def test_a_single_strike_is_degenerate():
    found = max_pain_of(([90], [3], [0]))
    assert (found.strike, found.degenerate) == (90, True)


def test_puts_alone_tie_from_the_highest_put_upwards():
    found = max_pain_of(([90, 100, 110, 120], [0, 0, 0, 0], [5, 5, 0, 0]), forward=115)
    assert (found.low, found.high, found.strike, found.payout) == (100, 120, 110, 0)


def test_payout_in_coin_is_the_payout_over_the_delivery_price():
    """S3, S4: inverse options pay their intrinsic value divided by the delivery price (Deribit's documentation)."""
    for strike, delivered, kind, coin in [
        (10_000, 12_500, "C", 0.2),
        (10_000, 5_000, "P", 1),
        (300, 400, "C", 0.25),
        (300, 200, "P", 0.5),
    ]:
        strikes = sorted([strike, delivered])
        contract = fixed_point(*(1.0 if each == strike else 0.0 for each in strikes))
        calls, puts = (contract, contract * 0) if kind == "C" else (contract * 0, contract)
        paid = payout_by_strike(np.array(strikes, float), calls, puts)[strikes.index(delivered)]
        assert paid / delivered == coin


@given(LADDERS, st.one_of(st.none(), st.floats(0.5, 70)))
def test_max_pain_equals_brute_force(ladder, forward):
    ladder.sort()
    strikes = [strike for strike, _, _ in ladder]
    payouts = [sum(c * max(at - k, 0) + p * max(k - at, 0) for k, c, p in ladder) for at in strikes]
    found = max_pain_of((strikes, [c / 10 for _, c, _ in ladder], [p / 10 for _, _, p in ladder]), forward)
    if not any(c + p for _, c, p in ladder):
        assert found is None
        return
    tied = [strike for strike, payout in zip(strikes, payouts, strict=True) if payout == min(payouts)]
    coins = [Fraction(payout, strike) for strike, payout in zip(strikes, payouts, strict=True)]
    assert (found.low, found.high) == (tied[0], tied[-1])
    assert found.strike == (min(tied, key=lambda k: (abs(k - forward), k)) if forward is not None else tied[0])
    assert found.payout == pytest.approx(min(payouts) / 10, abs=1e-9)
    assert coins[strikes.index(found.coin_strike)] == pytest.approx(min(coins))


def test_a_wall_is_the_strike_with_the_most_open_interest():
    strikes = np.array([90.0, 100.0, 110.0, 120.0])
    assert wall(strikes, fixed_point(1, 5, 2, 5), None) == 100
    assert wall(strikes, fixed_point(1, 5, 2, 5), 115) == 120
    assert wall(strikes, fixed_point(1, 5, 2, 5), 110) == 100
    assert wall(strikes, fixed_point(0, 0, 0, 0), 115) is None


def test_sums_of_tenths_are_exact():
    assert from_fixed_point(fixed_point(*[0.1] * 900).sum()) == 90.0
    assert from_fixed_point(fixed_point(*[1e10] * 900).sum()) == 9e12
