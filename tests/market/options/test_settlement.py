"""What the last half hour does to deltas."""

import numpy as np
import pytest

from market.options.settlement import WINDOW_YEARS, net_delta, share_left
from tests.market.options.builders import EXPIRY, NOW, model_of, quote, smile_chain

MINUTE_YEARS = WINDOW_YEARS / 30


def test_net_transaction_delta():
    """S5: delta .50 and price .10."""
    assert net_delta(np.array([0.5]), np.array([0.1]), np.array([1.0])) == pytest.approx(0.4)


def test_fifteen_minutes_into_settlement():
    """S6: delta 1.0 and mark .3."""
    left = share_left(np.array([15 * MINUTE_YEARS]))
    assert net_delta(1.0 * left, np.array([0.3]), left) == pytest.approx(0.35)


@pytest.mark.parametrize(("minutes", "share"), [(1e6, 1), (30, 1), (15, 0.5), (0, 0), (-5, 0)])
def test_share_left(minutes, share):
    assert share_left(np.array([minutes * MINUTE_YEARS])) == pytest.approx(share)


def test_a_model_knows_net_deltas_of_inverse_options():
    model = model_of(smile_chain(70_000.0, [70_000.0]))
    expected = model.greeks.delta - model.view.quotes.mark
    assert model.net_delta[:-1] == pytest.approx(expected[:-1])


def test_greeks_run_out_while_settling():
    chain = smile_chain(70_000.0, [70_000.0])
    quoted = chain.view(NOW).quotes
    for kind, mark in zip("PC", quoted.mark, strict=False):
        chain.apply(late_quote(kind, mark))
    model = model_of(chain, EXPIRY - 60_000)
    assert model.left[:-1] == pytest.approx(0.5)
    assert np.abs(model.greeks.delta[:-1]) == pytest.approx(0.25, abs=0.01)


def late_quote(kind, mark):
    fields = {"mark": mark, "mark_iv": 0.5, "underlying": 70_000.0, "is_forward": 1.0}
    return quote(f"BTC-27NOV26-70000-{kind}", EXPIRY - 15 * 60_000, **fields)
