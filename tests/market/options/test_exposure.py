"""Settlement decay, net delta, gamma exposure and its zero level."""

import numpy as np
import pytest

from market.options.black76 import greeks
from market.options.exposure import (
    MOVES,
    SETTLEMENT_YEARS,
    gamma_exposure,
    naive_profile,
    naive_sign,
    net_delta,
    unsettled_share,
    zero_gamma_level,
)
from tests.market.options.builders import EXPIRY, NOW, priced_view, quote, smile_chain

STRIKE = np.array([90.0, 100.0, 110.0, 95.0])
YEARS = np.array([0.1, 0.1, 0.1, 0.3])
VOL = np.array([0.6, 0.5, 0.55, 0.4])
CALL = np.array([False, True, True, False])
OPEN_INTEREST = np.array([30.0, 10.0, 20.0, 5.0])
STARTS = np.array([0, 3])
MINUTE_YEARS = SETTLEMENT_YEARS / 30


def exposures(forward: float) -> np.ndarray:
    """Naive exposure of each option at this forward, computed from the Greeks."""
    at = np.full(4, forward)
    return naive_sign(CALL) * gamma_exposure(greeks(at, STRIKE, YEARS, VOL, CALL).gamma, OPEN_INTEREST, at)


def profile() -> np.ndarray:
    return naive_profile(np.full(4, 100.0), STRIKE, YEARS, VOL, naive_sign(CALL) * OPEN_INTEREST, STARTS)


def test_gamma_exposure_is_in_dollars_per_percent():
    assert gamma_exposure(np.array([2e-5]), np.array([100.0]), np.array([50_000.0])) == pytest.approx(50_000.0)
    assert gamma_exposure(np.array([np.nan, 1e-5]), np.array([1.0, np.nan]), np.array([1.0, 1.0])).tolist() == [0, 0]


def test_the_profile_equals_the_exposure_at_the_moved_forward():
    for move, near, far in zip(MOVES, *profile(), strict=True):
        each = exposures(100 * (1 + move))
        assert (near, far) == pytest.approx((each[:3].sum(), each[3]), rel=1e-10)


def test_the_exposure_is_zero_at_the_zero_gamma_level():
    level = zero_gamma_level(profile().sum(axis=0), 100.0)
    assert abs(exposures(level).sum()) < 0.02 * np.abs(exposures(level)).sum()
    assert exposures(level - 5).sum() < 0 < exposures(level + 5).sum()


def test_calls_alone_have_no_zero_gamma_level():
    assert zero_gamma_level(np.abs(profile()[0]), 100.0) is None
    assert zero_gamma_level(np.zeros(len(MOVES)), 100.0) is None


def test_calls_and_puts_that_cancel_have_no_zero_gamma_level():
    strikes, kinds = np.repeat(np.linspace(80, 120, 21), 2), np.tile([True, False], 21)
    same = [np.full(42, value) for value in (100.0, 0.1, 0.5)]
    cancelling = naive_profile(same[0], strikes, same[1], same[2], naive_sign(kinds) * 7.3, np.array([0]))
    assert not cancelling.any()
    assert zero_gamma_level(cancelling[0], 100.0) is None


def test_the_nearest_of_several_crossings_is_returned():
    assert zero_gamma_level(np.sin(MOVES * 40 + 0.5), 100.0) == pytest.approx(100 * (1 - 0.5 / 40), abs=0.05)


def test_options_without_volatility_time_or_open_interest_count_as_zero():
    bad = np.array([np.nan, 0.0, -0.1, 0.5])
    counted = naive_profile(np.full(4, 100.0), STRIKE, bad, bad, np.array([1.0, 1.0, 1.0, np.nan]), np.array([0]))
    assert not counted.any()


def test_net_delta_equals_the_published_example():
    """S5 (Deribit's documentation): delta .50 and price .10."""
    assert net_delta(np.array([0.5]), np.array([0.1]), np.array([1.0])) == pytest.approx(0.4)


def test_net_delta_decays_within_the_settlement_window():
    """S6 (Deribit's documentation): delta 1.0 and mark .3, 15 minutes into the window."""
    share = unsettled_share(np.array([15 * MINUTE_YEARS]))
    assert net_delta(1.0 * share, np.array([0.3]), share) == pytest.approx(0.35)


@pytest.mark.parametrize(("minutes", "share"), [(1e6, 1), (30, 1), (15, 0.5), (0, 0), (-5, 0)])
def test_the_unsettled_share_falls_linearly_to_zero(minutes, share):
    assert unsettled_share(np.array([minutes * MINUTE_YEARS])) == pytest.approx(share)


def test_a_priced_chain_has_net_deltas_of_inverse_options():
    priced = priced_view(smile_chain(70_000.0, [70_000.0]))
    expected = priced.greeks.delta - priced.view.quotes.mark
    assert priced.net_delta[:-1] == pytest.approx(expected[:-1])


def test_greeks_decay_within_the_settlement_window():
    chain = smile_chain(70_000.0, [70_000.0])
    quoted = chain.view(NOW).quotes
    for kind, mark in zip("PC", quoted.mark, strict=False):
        chain.apply(late_quote(kind, mark))
    priced = priced_view(chain, EXPIRY - 60_000)
    assert priced.unsettled_share[:-1] == pytest.approx(0.5)
    assert np.abs(priced.greeks.delta[:-1]) == pytest.approx(0.25, abs=0.01)


def late_quote(kind, mark):
    fields = {"mark": mark, "mark_iv": 0.5, "underlying": 70_000.0, "is_forward": 1.0}
    return quote(f"BTC-27NOV26-70000-{kind}", EXPIRY - 15 * 60_000, **fields)
