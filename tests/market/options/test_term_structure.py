"""Forward variance between expiries."""

import pytest

from market.options.term_structure import forward_vols


def test_forward_volatility_follows_from_two_expiries():
    first, second = forward_vols([0.25, 1.0], [0.5, 0.4])
    assert first == (0.25, 0.5, False)
    assert second.variance == pytest.approx((0.16 - 0.0625) / 0.75)
    assert second.vol == pytest.approx(second.variance**0.5)


def test_a_negative_forward_variance_has_a_flag_and_no_volatility():
    _, second = forward_vols([0.5, 0.6], [0.8, 0.5])
    assert second.variance < 0
    assert (second.vol, second.calendar) == (None, True)


def test_an_expiry_without_a_volatility_is_skipped():
    _, unknown, last = forward_vols([0.25, 0.5, 1.0], [0.5, None, 0.5])
    assert unknown == (None, None, False)
    assert last.vol == pytest.approx(0.5)


def test_no_expiries_give_no_forward_volatilities():
    assert forward_vols([], []) == []
