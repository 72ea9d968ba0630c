"""Prices and Greeks equal those that exchanges publish, and those of vollib and QuantLib."""

import math

import numpy as np
import pytest
import QuantLib as ql
from vollib.black import black as vollib_price
from vollib.black.greeks import analytical

from market.options.black76 import Greeks, greeks, price
from tests.market.options.published_options import D8, D_MARKS, MS_PER_YEAR, B, D, PublishedOption
from tests.market.options.random_options import RandomOption, random_options


def priced(published: PublishedOption) -> tuple[float, Greeks]:
    """Price in the quote currency and Greeks at the published volatility."""
    years = published.ms_to_expiry / MS_PER_YEAR
    fields = (published.forward, published.strike, years, published.vol, published.is_call)
    columns = [np.array([field]) for field in fields]
    return price(*columns)[0], Greeks(*(value[0] for value in greeks(*columns)))


@pytest.mark.parametrize("published", B, ids=lambda published: published.id)
def test_greeks_equal_those_that_binance_publishes(published):
    mark, ours = priced(published)
    assert mark == pytest.approx(published.mark, rel=1e-5)
    assert (ours.delta, ours.vega, ours.theta) == pytest.approx(
        (published.delta, published.vega, published.theta), rel=1e-6
    )
    assert ours.gamma == pytest.approx(published.gamma, abs=5e-9)


@pytest.mark.parametrize("published", D, ids=lambda published: published.id)
def test_greeks_equal_those_that_deribit_publishes(published):
    mark, ours = priced(published)
    assert mark / published.forward == pytest.approx(published.mark, abs=1e-4)
    assert ours.delta == pytest.approx(published.delta, abs=5e-5)
    assert ours.gamma == pytest.approx(published.gamma, abs=5e-6)
    assert (ours.vega, ours.theta, ours.rho) == pytest.approx(
        (published.vega, published.theta, published.rho), rel=1e-4, abs=5e-6
    )


def test_theta_is_not_capped_near_the_expiry():
    _, ours = priced(D8)
    assert (ours.delta, ours.gamma) == (pytest.approx(D8.delta, abs=5e-5), pytest.approx(D8.gamma, abs=5e-6))
    assert (ours.vega, ours.rho) == pytest.approx((D8.vega, D8.rho), rel=2e-3)
    assert ours.theta == pytest.approx(-82.16, abs=0.005)


@pytest.mark.parametrize("published", D_MARKS, ids=lambda published: published[0])
def test_marks_follow_from_the_published_volatility(published):
    name, is_call, strike, ms, forward, mark, vol = published
    ours = price(*(np.array([v]) for v in (forward, strike, ms / MS_PER_YEAR, vol, is_call)))[0]
    assert ours / forward == pytest.approx(mark, abs=2.5e-4 if name == "D7" else 1e-4)


def test_price_equals_vollib():
    for o in random_options(1000):
        assert price(*o.arrays())[0] == pytest.approx(
            vollib_price(o.flag, o.forward, o.strike, o.years, 0, o.vol), rel=1e-8, abs=1e-11 * o.forward
        )


def test_prices_equal_those_of_haug_and_hull():
    for rate, forward, vol, years, kind, expected in [
        (0.02, 100, 0.2, 0.5, True, 5.5811067246),  # I2
        (0.09, 20, 0.25, 4 / 12, False, 1.1166414565589438),  # I4
        (0.10, 19, 0.28, 0.75, True, 1.701050725236268),  # I5
        (0.10, 19, 0.28, 0.75, False, 1.701050725236268),
    ]:
        ours = price(*(np.array([v]) for v in (forward, forward, years, vol, kind)))[0]
        assert ours * math.exp(-rate * years) == pytest.approx(expected, rel=1e-10)


def test_prices_equal_the_normalised_reference_prices():
    call = price(*(np.array([v]) for v in (1.0, 1.0, 1.0, 0.2, True)))[0]
    put = price(*(np.array([v]) for v in (math.exp(0.05), math.exp(-0.05), 1.0, 0.23232323888, False)))[0]
    assert (call, put) == pytest.approx((0.0796556745541, 0.0509710222785), abs=5e-14)  # I3


def compare_greeks(o: RandomOption) -> None:
    ours = Greeks(*(value[0] for value in greeks(*o.arrays())))
    inputs = (o.flag, o.forward, o.strike, o.years, 0, o.vol)
    # vollib's rho keeps the forward fixed, ours the spot.
    vollib = Greeks(*(getattr(analytical, name)(*inputs) for name in Greeks._fields))._replace(
        rho=quantlib_greeks(o).rho
    )
    for theirs in (vollib, quantlib_greeks(o)):
        assert ours.delta == pytest.approx(theirs.delta, abs=1e-8)
        assert ours.gamma * o.forward == pytest.approx(theirs.gamma * o.forward, rel=1e-8, abs=1e-12)
        assert ours.vega == pytest.approx(theirs.vega, rel=1e-8, abs=1e-12)
        assert ours.theta == pytest.approx(theirs.theta, rel=1e-8, abs=1e-9)
        assert ours.rho == pytest.approx(theirs.rho, rel=1e-8, abs=1e-9)


def test_greeks_of_random_options_equal_vollib_and_quantlib():
    for o in random_options(2000, seed=2):
        compare_greeks(o)


def test_greeks_of_the_recorded_chain_equal_vollib_and_quantlib(summary_chain):
    layout, terms = summary_chain.view.layout, summary_chain.terms
    columns = (terms.forward, layout.strike, terms.years, summary_chain.vol, layout.is_call)
    rows = list(zip(*(column[:-1].tolist() for column in columns), strict=True))
    for row in rows:
        compare_greeks(RandomOption(*row))
    assert len(rows) == 908


def quantlib_greeks(o: RandomOption) -> Greeks:
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if o.is_call else ql.Option.Put, o.strike)
    black = ql.BlackCalculator(payoff, o.forward, o.vol * math.sqrt(o.years), 1.0)
    vega, theta, rho = black.vega(o.years) / 100, black.theta(o.forward, o.years) / 365, black.rho(o.years) / 100
    return Greeks(black.deltaForward(), black.gammaForward(), vega, theta, rho)


def test_straddle_at_the_forward_equals_the_closed_form():
    """S2: straddle / F at 60 % volatility and three months."""
    straddle = sum(price(*(np.array([v]) for v in (100.0, 100.0, 0.25, 0.6, kind)))[0] for kind in (True, False))
    assert straddle / 100 == pytest.approx(0.2384707695, abs=5e-11)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("argument", range(4))
def test_invalid_arguments_give_nan(bad, argument):
    columns = [np.array([v]) for v in (100.0, 90.0, 0.5, 0.4, True)]
    columns[argument] = np.array([bad])
    assert np.isnan(price(*columns)[0])
    assert all(np.isnan(value[0]) for value in greeks(*columns))
