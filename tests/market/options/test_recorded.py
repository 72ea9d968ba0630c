"""Recorded chains: reference values, prices and volatilities of the exchange, and both oracles."""

import math

import numpy as np
import pandas as pd
import pytest
from msgspec import json

from market.options.black76 import greeks, price
from market.options.chain_records import chain_records, underlying_tick
from market.options.events import OptionQuote
from market.options.forwards import MS_PER_YEAR
from market.options.implied_vol import ImpliedVols, Reason, implied_vol
from market.options.surface import build_surface
from tests.market.options.oracles import quantlib_vols, vollib_vols
from venues.deribit.instruments import parse_name

# expiry, rows, call OI, put OI, PCR, max pain, max pain in coin
TABLE = [
    ("29APR26", 52, 1056.2, 1694.3, 1.604147, 77000, 77000),
    ("30APR26", 56, 1476.5, 1480.0, 1.002370, 77500, 77500),
    ("1MAY26", 58, 10345.8, 11313.6, 1.093545, 76000, 76000),
    ("2MAY26", 54, 232.6, 91.0, 0.391230, 76500, 76500),
    ("8MAY26", 42, 6172.2, 4794.8, 0.776838, 77000, 77000),
    ("15MAY26", 36, 1858.4, 1742.4, 0.937581, 79000, 79000),
    ("29MAY26", 94, 38116.6, 22098.2, 0.579753, 74000, 74000),
    ("26JUN26", 116, 64434.0, 45838.5, 0.711402, 78000, 80000),
    ("31JUL26", 86, 1824.2, 711.7, 0.390144, 80000, 80000),
    ("25SEP26", 114, 40293.9, 25626.4, 0.635987, 75000, 75000),
    ("25DEC26", 110, 43989.0, 24693.9, 0.561365, 72000, 75000),
    ("26MAR27", 90, 4286.4, 3149.0, 0.734649, 70000, 70000),
]


@pytest.fixture(scope="module")
def records(summary_chain):
    return chain_records("deribit", summary_chain, build_surface(summary_chain))


def test_positioning_of_every_expiry_equals_the_reference(records):
    assert len(records) == len(TABLE)
    for record, (day, rows, calls, puts, pcr, pain, coin) in zip(records, TABLE, strict=True):
        assert record.expiry == parse_name(f"BTC-{day}-1-C").expiry
        assert (record.options, record.call_open_interest, record.put_open_interest) == (rows, calls, puts)
        assert record.pcr_open_interest == pytest.approx(pcr, abs=5e-7)
        assert (record.max_pain, record.max_pain_coin) == (pain, coin)
        assert record.max_pain_low == record.max_pain_high == pain


def test_totals_equal_the_reference(records, summary_chain):
    tick = underlying_tick("deribit", summary_chain)
    assert (tick.put_open_interest, tick.call_open_interest) == (143233.8, 214085.8)
    assert tick.pcr_open_interest == pytest.approx(0.669049, abs=5e-7)
    assert tick.pcr_volume == pytest.approx(8265.4 / 7744.1, rel=1e-12)
    assert records[7].pain == 302_209_900


def test_positioning_equals_a_computation_in_pandas(records, summary_frame):
    frame = pd.DataFrame(json.decode(summary_frame)["result"])
    frame[["expiry", "strike", "kind"]] = frame.instrument_name.str.extract(r"BTC-(\w+)-(\d+)-([CP])")
    frame["strike"] = frame.strike.astype(float)
    by_expiry = {parse_name(f"BTC-{day}-1-C").expiry: rows for day, rows in frame.groupby("expiry")}
    for record in records:
        rows = by_expiry[record.expiry]
        calls, puts = rows[rows.kind == "C"], rows[rows.kind == "P"]
        assert record.pcr_open_interest == pytest.approx(
            puts.open_interest.sum() / calls.open_interest.sum(), rel=1e-12
        )
        pain = {
            at: (calls.open_interest * (at - calls.strike).clip(lower=0)).sum()
            + (puts.open_interest * (puts.strike - at).clip(lower=0)).sum()
            for at in rows.strike.unique()
        }
        assert record.max_pain == min(pain, key=pain.get)
        assert record.pain == pytest.approx(min(pain.values()), rel=1e-12)


def test_the_recorded_chain_has_no_flags(records):
    assert [record.flags for record in records] == [[]] * 12
    assert {record.straddle_source for record in records} == {"mid"}
    assert all(record.index_price == 76090.54 for record in records)


def test_marks_follow_from_the_published_volatility(summary_chain):
    """Within 2.1e-5 coin with a published forward, 2.1e-6 with the parity forward."""
    view, terms = summary_chain.view, summary_chain.terms
    model_price = price(terms.forward, view.layout.strike, terms.years, view.quotes.mark_iv, view.layout.is_call)
    error = np.abs(model_price / terms.forward - view.quotes.mark)[:-1]
    published = view.quotes.is_forward[:-1] == 1
    assert (published.sum(), (~published).sum()) == (746, 162)
    assert error[published].max() < 2.15e-5
    assert error[~published].max() < 2.15e-6


def test_our_volatility_of_the_mark_equals_the_published_one(summary_chain):
    """Out of the money, at marks of 0.0005 and more: 0.01 points with a published forward, 0.02 with parity."""
    view, terms = summary_chain.view, summary_chain.terms
    solved = summary_chain.solve("mark")
    error = 100 * np.abs(solved.vol - view.quotes.mark_iv)[:-1]
    outside = (view.layout.is_call == (view.layout.strike >= terms.forward))[:-1]
    liquid = outside & (view.quotes.mark[:-1] >= 0.0005)
    published = view.quotes.is_forward[:-1] == 1
    assert error[liquid & published].max() < 0.011
    assert error[liquid & ~published].max() < 0.02
    assert np.median(error[liquid]) < 0.003
    assert error[liquid].size == 362


def test_the_price_difference_of_both_volatilities_is_below_half_a_tick(summary_chain):
    """A tick is 0.0001 coin. The volatilities of 904 options differ by 0.0032 points in the median and 7.5 at most."""
    solved, greeks = summary_chain.solve("mark"), summary_chain.greeks
    points = 100 * np.abs(solved.vol - summary_chain.view.quotes.mark_iv)[:-1]
    coin = points * (greeks.vega / summary_chain.terms.forward)[:-1]
    assert np.nanmax(coin) < 2e-5
    assert np.nanpercentile(points, [50, 90, 100]) == pytest.approx([0.0032, 0.013, 7.4978], abs=5e-5)


def test_marks_without_time_value_have_no_volatility(summary_chain):
    """Three calls marked 0 and one put, hours before the expiry; all others have a volatility."""
    reason = summary_chain.solve("mark").reason[:-1]
    names = [i.name for i, why in zip(summary_chain.view.layout.instruments, reason, strict=True) if why]
    assert names == [f"BTC-29APR26-{leg}" for leg in ("85000-C", "86000-C", "87000-P", "87000-C")]
    assert reason[reason > 0].tolist() == [Reason.NO_PRICE, Reason.NO_PRICE, Reason.BELOW_INTRINSIC, Reason.NO_PRICE]


def test_with_the_index_as_forward_the_volatility_is_off(summary_view):
    """Up to 0.64 points on the rows that publish the index."""
    quotes, layout = summary_view.quotes, summary_view.layout
    years = (layout.expiry - summary_view.quote_time) / MS_PER_YEAR
    index = quotes.underlying
    solved = implied_vol(quotes.mark * index, index, layout.strike, years, layout.is_call)
    outside = (layout.is_call == (layout.strike >= index)) & (quotes.mark >= 0.0005) & (quotes.is_forward == 0)
    assert 100 * np.abs(solved.vol - quotes.mark_iv)[outside].max() == pytest.approx(0.64, abs=0.01)


def test_bid_volatilities_are_below_ask_volatilities(summary_chain):
    surface = build_surface(summary_chain)
    quotes = summary_chain.view.quotes
    both = ~np.isnan(surface.bid) & ~np.isnan(surface.ask)
    assert both.sum() == 659
    assert (surface.bid_reason[:-1] == Reason.BELOW_INTRINSIC).sum() == 208
    assert not surface.ask_reason[:-1].any()
    assert np.all(surface.bid[both] < surface.ask[both])
    assert (surface.bid_reason[:-1] == Reason.NO_PRICE).sum() == np.isnan(quotes.bid[:-1]).sum() == 41


TRUE_FORWARD_MISSING = "ETH-27AUG21-4000-P"
CAPPED_THETA = "ETH-23JUL21-2300-C"


def test_greeks_of_recorded_tickers_equal_the_published_ones(recorded_lines):
    """89 tickers of 2021: delta within 1e-5, vega 1.7e-3, rho 3.1e-3, mark 2.5e-5 coin, theta 3e-3."""
    seen = 0
    for line in recorded_lines:
        data = json.decode(str(line["data"])).get("params", {}).get("data", {})
        if "mark_iv" not in data:
            continue
        option, theirs, forward = parse_name(data["instrument_name"]), data["greeks"], data["underlying_price"]
        years = (option.expiry - data["timestamp"]) / MS_PER_YEAR
        at = [np.array([v]) for v in (forward, option.strike, years, data["mark_iv"] / 100, option.is_call)]
        ours = greeks(*at)
        off = option.name == TRUE_FORWARD_MISSING
        assert price(*at)[0] / forward == pytest.approx(data["mark_price"], abs=2.2e-4 if off else 2.5e-5)
        assert ours.delta[0] == pytest.approx(theirs["delta"], abs=1.01e-5)
        assert ours.vega[0] == pytest.approx(theirs["vega"], abs=1.75e-3)
        assert ours.rho[0] == pytest.approx(theirs["rho"], abs=3.15e-3)
        assert option.name == CAPPED_THETA or ours.theta[0] == pytest.approx(theirs["theta"], abs=3.1e-3)
        seen += 1
    assert seen == 89


def test_every_recorded_ticker_is_a_quote(recorded_events):
    quotes = [event for event in recorded_events if isinstance(event, OptionQuote)]
    assert len(quotes) == 89
    assert any(math.isnan(event.quote.volume) for event in quotes)


def solved_with_inputs(summary_chain, field: str) -> tuple[ImpliedVols, list[np.ndarray]]:
    """Volatilities of the bids, asks or marks, and the inputs they were solved from."""
    view, terms = summary_chain.view, summary_chain.terms
    money = getattr(view.quotes, field) * terms.unit_value * terms.compounding
    return summary_chain.solve(field), [money, terms.forward, view.layout.strike, terms.years, view.layout.is_call]


@pytest.mark.parametrize(("field", "count"), [("bid", 659), ("ask", 908), ("mark", 904)])
@pytest.mark.parametrize("oracle", [vollib_vols, quantlib_vols])
def test_both_oracles_agree_with_our_volatility_of_every_quote(summary_chain, field, count, oracle):
    solved, inputs = solved_with_inputs(summary_chain, field)
    error = np.abs(oracle(solved, *inputs) - solved.vol)
    assert np.count_nonzero(~np.isnan(error)) == np.count_nonzero(solved.reason == Reason.SOLVED) == count
    assert np.nanmax(error) < 1e-8
