"""Forward variance between expiries."""

import pytest

from market.options.term import forward_steps


def test_forward_volatility_between_two_expiries():
    first, second = forward_steps([0.25, 1.0], [0.5, 0.4])
    assert first == (0.25, 0.5, False)
    assert second.variance == pytest.approx((0.16 - 0.0625) / 0.75)
    assert second.vol == pytest.approx(second.variance**0.5)


def test_negative_forward_variance_is_a_flag_and_no_volatility():
    _, second = forward_steps([0.5, 0.6], [0.8, 0.5])
    assert second.variance < 0
    assert (second.vol, second.calendar) == (None, True)


def test_an_unknown_expiry_is_stepped_over():
    steps = forward_steps([0.25, 0.5, 1.0], [0.5, None, 0.5])
    assert steps[1] == (None, None, False)
    assert steps[2].vol == pytest.approx(0.5)


def test_no_expiries_no_steps():
    assert forward_steps([], []) == []
