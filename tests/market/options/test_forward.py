"""Which forward: published or by parity, inverse and linear."""

import math

import numpy as np
import pytest

from market.options.chain import Chain
from market.options.forward import Forward, terms
from tests.market.options.builders import NOW, ONE_MINUTE_LATER, nifty_chain, quote, smile_chain

STRIKES = [60000.0, 70000.0, 80000.0]


def test_the_published_price_of_a_future_is_the_forward():
    found = terms(smile_chain(70123.0, STRIKES).view(NOW))
    assert found.forwards == (Forward(70123.0, "published"),)


def test_beside_an_index_the_forward_is_that_of_parity():
    chain = smile_chain(70123.0, STRIKES, underlying=70300.0, is_forward=0.0)
    found = terms(chain.view(NOW))
    assert found.forwards[0].source == "parity"
    assert found.forwards[0].price == pytest.approx(70123.0, abs=1e-6)
    assert found.forward[:-1] == pytest.approx(70123.0, abs=1e-6)


def test_an_equity_index_has_the_forward_that_its_rate_implies():
    found = terms(nifty_chain(24000.0, 0.065, [23000.0, 24000.0, 25000.0], 0.14).view(NOW))
    years = found.years[0]
    assert found.forwards[0] == Forward(pytest.approx(24000 * math.exp(0.065 * years), abs=1e-6), "parity")
    assert found.growth[0] == pytest.approx(math.exp(0.065 * years))
    assert found.worth[0] == 1


def test_puts_alone_beside_an_index_have_no_forward():
    chain = Chain("BTC")
    for strike in (60000, 70000):
        chain.apply(quote(f"BTC-27NOV26-{strike}-P", mark=0.1, underlying=65000.0, is_forward=0.0))
    found = terms(chain.view(NOW))
    assert found.forwards == (Forward(None, None),)
    assert np.isnan(found.forward).all()


def test_the_newest_quote_names_the_forward_and_each_option_keeps_its_own():
    chain = Chain("BTC")
    chain.apply(quote("BTC-27NOV26-60000-P", ONE_MINUTE_LATER, underlying=65100.0, is_forward=1.0))
    chain.apply(quote("BTC-27NOV26-70000-P", NOW, underlying=65000.0, is_forward=1.0))
    found = terms(chain.view(NOW))
    assert found.forwards == (Forward(65100.0, "published"),)
    assert found.forward[:-1].tolist() == [65100.0, 65000.0]


@pytest.mark.parametrize(("put", "call"), [(0.0, 1.0), (0.0, 1.5)])
def test_marks_that_contradict_parity_give_no_forward(put, call):
    chain = Chain("BTC")
    chain.apply(quote("BTC-27NOV26-60000-P", mark=put, is_forward=0.0))
    chain.apply(quote("BTC-27NOV26-60000-C", mark=call, is_forward=0.0))
    assert terms(chain.view(NOW)).forwards == (Forward(None, None),)


def test_recorded_parity_forwards(summary_view):
    """§8.7: 29APR26, 30APR26 and 2MAY26 stand beside the index, 76,090.65 published."""
    found = terms(summary_view).forwards
    assert [forward.source for forward in found[:4]] == ["parity", "parity", "published", "parity"]
    assert [round(found[i].price, 2) for i in (0, 1, 3)] == [76079.78, 76065.05, 76060.46]
