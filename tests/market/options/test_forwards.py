"""Forwards of inverse and linear chains, published and by put-call parity."""

import math

import numpy as np
import pytest

from market.options.chain import Chain
from market.options.chain_records import chain_records
from market.options.forwards import MS_PER_YEAR, Forward, pricing_terms
from tests.market.options.builders import (
    EXPIRY,
    NOW,
    ONE_MINUTE_LATER,
    black_price,
    nifty_chain,
    priced_view,
    quote,
    smile_chain,
)
from venues.deribit import OPTION_FEED

STRIKES = [60000.0, 70000.0, 80000.0]


def test_the_published_price_of_a_future_is_the_forward():
    found = pricing_terms(smile_chain(70123.0, STRIKES).view(NOW))
    assert found.forwards == (Forward(70123.0, "published"),)


def test_a_published_index_is_replaced_by_the_parity_forward():
    chain = smile_chain(70123.0, STRIKES, underlying=70300.0, is_forward=0.0)
    found = pricing_terms(chain.view(NOW))
    assert found.forwards[0].source == "parity"
    assert found.forwards[0].price == pytest.approx(70123.0, abs=1e-6)
    assert found.forward[:-1] == pytest.approx(70123.0, abs=1e-6)


def test_the_parity_forward_of_a_linear_chain_is_that_of_its_rate():
    found = pricing_terms(nifty_chain(24000.0, 0.065, [23000.0, 24000.0, 25000.0], 0.14).view(NOW))
    years = found.years[0]
    assert found.forwards[0] == Forward(pytest.approx(24000 * math.exp(0.065 * years), abs=1e-6), "parity")
    assert found.compounding[0] == pytest.approx(math.exp(0.065 * years))
    assert found.unit_value[0] == 1


def test_puts_alone_with_an_index_have_no_forward():
    chain = Chain("BTC", OPTION_FEED)
    for strike in (60000, 70000):
        chain.apply(quote(f"BTC-27NOV26-{strike}-P", mark=0.1, underlying=65000.0, is_forward=0.0))
    found = pricing_terms(chain.view(NOW))
    assert found.forwards == (Forward(None, None),)
    assert np.isnan(found.forward).all()


def test_the_newest_quote_gives_the_forward_and_each_option_has_its_own():
    chain = Chain("BTC", OPTION_FEED)
    chain.apply(quote("BTC-27NOV26-60000-P", ONE_MINUTE_LATER, underlying=65100.0, is_forward=1.0))
    chain.apply(quote("BTC-27NOV26-70000-P", NOW, underlying=65000.0, is_forward=1.0))
    found = pricing_terms(chain.view(NOW))
    assert found.forwards == (Forward(65100.0, "published"),)
    assert found.forward[:-1].tolist() == [65100.0, 65000.0]


@pytest.mark.parametrize(("put", "call"), [(0.0, 1.0), (0.0, 1.5)])
def test_marks_that_contradict_parity_give_no_forward(put, call):
    chain = Chain("BTC", OPTION_FEED)
    chain.apply(quote("BTC-27NOV26-60000-P", mark=put, is_forward=0.0))
    chain.apply(quote("BTC-27NOV26-60000-C", mark=call, is_forward=0.0))
    assert pricing_terms(chain.view(NOW)).forwards == (Forward(None, None),)


def test_a_forward_by_parity_is_labelled_so_although_the_exchange_names_a_future():
    chain = smile_chain(70123.0, STRIKES, underlying=math.nan)
    (forward,) = pricing_terms(chain.view(NOW)).forwards
    assert forward == Forward(pytest.approx(70123.0, abs=1e-6), "parity")


def test_the_source_is_that_of_the_quote_that_gave_the_forward():
    """The newest quote lacks the price of the future, the others have it."""
    chain = smile_chain(70123.0, STRIKES)
    years = (EXPIRY - NOW - 60_000) / MS_PER_YEAR
    marks = {kind: black_price(70123.0, 70000.0, years, 0.5, kind == "C") / 70123.0 for kind in "CP"}
    for kind, mark in marks.items():
        chain.apply(quote(f"BTC-27NOV26-70000-{kind}", ONE_MINUTE_LATER, mark=mark, is_forward=1.0))
    assert pricing_terms(chain.view(ONE_MINUTE_LATER)).forwards[0].source == "parity"
    chain.apply(quote("BTC-27NOV26-80000-P", ONE_MINUTE_LATER + 1, mark=0.2, underlying=70200.0, is_forward=1.0))
    assert pricing_terms(chain.view(ONE_MINUTE_LATER)).forwards == (Forward(70200.0, "published"),)


@pytest.mark.parametrize(("put", "call"), [(0.0, 0.0), (0.0, 0.01), (0.01, 0.0)])
@pytest.mark.parametrize("is_forward", [0.0, 1.0])
def test_a_mark_of_zero_is_no_mark(put, call, is_forward):
    chain = Chain("BTC", OPTION_FEED)
    for strike in (60000, 70000, 80000):
        chain.apply(quote(f"BTC-27NOV26-{strike}-P", mark=put, is_forward=is_forward))
        chain.apply(quote(f"BTC-27NOV26-{strike}-C", mark=call, is_forward=is_forward))
    assert pricing_terms(chain.view(NOW)).forwards == (Forward(None, None),)


def test_a_mark_of_zero_gives_no_straddle_and_no_build_up():
    chain = smile_chain(70000.0, [70000.0])
    chain.apply(quote("BTC-27NOV26-70000-P", NOW + 1, mark=0.0, mark_iv=0.5, underlying=70000.0, is_forward=1.0))
    priced = priced_view(chain)
    (record,) = chain_records("deribit", priced)
    assert (record.straddle, record.straddle_source) == (None, None) and "no_straddle" in record.flags
    assert np.isnan(priced.premium).tolist() == [True, False, True]


def test_parity_forwards_of_the_recorded_chain(summary_view):
    """29APR26, 30APR26 and 2MAY26 publish the index, 76,090.65."""
    found = pricing_terms(summary_view).forwards
    assert [forward.source for forward in found[:4]] == ["parity", "parity", "published", "parity"]
    assert [round(found[i].price, 2) for i in (0, 1, 3)] == [76079.78, 76065.05, 76060.46]
