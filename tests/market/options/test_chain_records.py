"""Records of whole chains, inverse and linear, and of chains with missing or inconsistent data."""

import math

import numpy as np
import pytest

from market.options.chain import Chain
from market.options.chain_records import chain_records, underlying_tick
from market.options.forwards import MS_PER_YEAR
from market.options.implied_vol import Reason
from market.options.surface import build_surface
from market.options.surface_records import surface_records
from tests.market.options.builders import (
    EXPIRY,
    IN_A_WEEK,
    IN_TWO_WEEKS,
    NOW,
    add_smile,
    black_price,
    interest_chain,
    nifty_chain,
    priced_view,
    quote,
    smile_chain,
)
from venues.deribit import OPTION_FEED

FORWARD = 70_000.0
STRIKES = [float(strike) for strike in range(50_000, 92_000, 2_000)]


def records_of(chain: Chain, time: int = NOW):
    priced = priced_view(chain, time)
    return chain_records("deribit", priced, build_surface(priced))


def options_of(chain: Chain):
    priced = priced_view(chain)
    no_build_ups = [None] * len(priced.view.layout.instruments)
    return {
        option.instrument: option for option in surface_records("deribit", priced, build_surface(priced), no_build_ups)
    }


def test_records_of_an_inverse_chain():
    (record,) = records_of(smile_chain(FORWARD, STRIKES, vol=0.5, skew=-0.2))
    years = (EXPIRY - NOW) / MS_PER_YEAR
    price = black_price(FORWARD, FORWARD, years, 0.5, True)
    assert (record.forward, record.forward_source, record.linear) == (FORWARD, "published", False)
    assert (record.strikes, record.options, record.years) == (21, 42, years)
    assert (record.atm_strike, record.straddle_source) == (FORWARD, "mark")
    assert record.straddle == pytest.approx(2 * price)
    assert record.straddle_coin == record.implied_move == pytest.approx(2 * price / FORWARD)
    assert record.atm_iv == pytest.approx(0.5, abs=1e-6)
    assert record.skew_slope == pytest.approx(-0.2, abs=1e-6)
    assert record.risk_reversal_25 < 0
    assert record.svi_worst < 0.01
    assert record.flags == ["no_call_volume", "no_zero_gamma"]


def test_records_of_an_equity_index_chain():
    """Linear in rupees, with an interest rate, an expiry at 10:00 UTC and the forward by parity."""
    strikes = [float(strike) for strike in range(22_000, 26_100, 100)]
    chain = nifty_chain(24_000.0, 0.065, strikes, vol=0.14, quoted=True)
    (record,) = records_of(chain)
    years = (EXPIRY + 7_200_000 - NOW) / MS_PER_YEAR
    forward = 24_000 * math.exp(0.065 * years)
    prices = [black_price(forward, 24_000.0, years, 0.14, kind) * math.exp(-0.065 * years) for kind in (True, False)]
    assert (record.expiry, record.linear, record.forward_source) == (EXPIRY + 7_200_000, True, "parity")
    assert record.forward == pytest.approx(forward, abs=1e-6)
    assert record.straddle == pytest.approx(sum(prices))
    assert (record.straddle_coin, record.straddle_source) == (None, "mid")
    assert record.atm_iv == pytest.approx(0.14, abs=1e-8)
    option = options_of(chain)[f"NIFTY-{IN_A_WEEK}-24000-C"]
    assert option.iv == pytest.approx(0.14, abs=1e-10)
    assert option.mark_iv is None
    assert option.bid_iv < option.iv < option.ask_iv
    assert option.net_delta is None


def test_premium_and_exposure_are_in_the_quote_currency():
    chain = smile_chain(FORWARD, [FORWARD], open_interest=10.0)
    (record,) = records_of(chain)
    option = options_of(chain)[f"BTC-{IN_A_WEEK}-70000-C"]
    assert record.call_premium == pytest.approx(10 * option.mark * FORWARD)
    assert option.gamma_usd == pytest.approx(option.gamma * 10 * FORWARD**2 * 0.01)
    assert record.gamma_gross == pytest.approx(2 * option.gamma_usd)
    assert record.gamma_naive == pytest.approx(0, abs=1e-6)


def test_expiries_are_never_pooled_and_totals_are_ratios_of_sums():
    chain = interest_chain({90: (953.7, 512.5)})
    for event in [("C", 1302.2), ("P", 1204.3)]:
        chain.apply(quote(f"BTC-{IN_TWO_WEEKS}-90-{event[0]}", open_interest=event[1]))
    near, far = records_of(chain)
    assert (round(near.pcr_open_interest, 4), round(far.pcr_open_interest, 4)) == (0.5374, 0.9248)
    assert underlying_tick("deribit", priced_view(chain)).pcr_open_interest == pytest.approx(1716.8 / 2255.9)


def test_forward_variance_follows_from_two_expiries():
    chain = smile_chain(FORWARD, STRIKES, vol=0.5)
    add_smile(chain, FORWARD, STRIKES, 0.6, 0.0, IN_TWO_WEEKS)
    near, far = records_of(chain)
    expected = (0.36 * far.years - 0.25 * near.years) / (far.years - near.years)
    assert far.forward_variance == pytest.approx(expected)
    assert far.forward_vol == pytest.approx(math.sqrt(expected))
    assert far.svi_calendar > 0


def test_calendar_arbitrage_is_flagged():
    chain = smile_chain(FORWARD, STRIKES, vol=0.9)
    add_smile(chain, FORWARD, STRIKES, 0.4, 0.0, IN_TWO_WEEKS)
    far = records_of(chain)[1]
    assert far.forward_variance < 0
    assert far.forward_vol is None
    assert far.svi_calendar < 0
    assert "calendar" in far.flags


def test_a_chain_of_one_strike_is_degenerate():
    (record,) = records_of(smile_chain(FORWARD, [FORWARD]))
    assert (record.max_pain, record.atm_strike) == (FORWARD, FORWARD)
    assert record.atm_iv == pytest.approx(0.5)
    assert {"degenerate", "no_25_delta", "no_fit"} <= set(record.flags)


def test_a_chain_of_puts_has_no_ratio_and_no_straddle():
    chain = Chain("BTC", OPTION_FEED)
    for strike in (60_000, 70_000):
        fields = {"underlying": FORWARD, "is_forward": 1.0, "mark_iv": 0.5, "mark": 0.02, "open_interest": 2.0}
        chain.apply(quote(f"BTC-{IN_A_WEEK}-{strike}-P", **fields))
    (record,) = records_of(chain)
    assert (record.pcr_open_interest, record.call_wall, record.put_wall) == (None, None, 70_000)
    assert (record.max_pain, record.straddle, record.call_open_interest) == (70_000, None, 0)
    assert {"no_call_interest", "no_call_volume", "no_straddle"} <= set(record.flags)


def test_a_chain_without_a_forward_still_has_positioning():
    (record,) = records_of(interest_chain({90: (0, 10), 100: (10, 0), 110: (0, 10), 120: (10, 0)}))
    assert (record.max_pain_low, record.max_pain_high, record.max_pain) == (100, 110, 100)
    assert (record.forward, record.atm_iv, record.straddle, record.zero_gamma) == (None, None, None, None)
    assert record.gamma_gross == 0
    assert "no_forward" in record.flags


def test_without_open_interest_positioning_is_null():
    (record,) = records_of(smile_chain(FORWARD, STRIKES, open_interest=0.0))
    assert (record.max_pain, record.pain, record.pcr_open_interest, record.call_wall) == (None,) * 4
    assert {"no_open_interest", "no_call_interest"} <= set(record.flags)


def test_a_crossed_quote_is_flagged_and_gives_no_mid():
    chain = smile_chain(FORWARD, [FORWARD])
    crossed = {"bid": 0.06, "ask": 0.05, "mark": 0.03, "underlying": FORWARD, "is_forward": 1.0, "mark_iv": 0.5}
    chain.apply(quote(f"BTC-{IN_A_WEEK}-70000-C", NOW + 1, **crossed))
    assert records_of(chain)[0].straddle_source == "mark"
    option = options_of(chain)[f"BTC-{IN_A_WEEK}-70000-C"]
    assert option.flags == ["crossed"]
    assert option.bid_iv > option.ask_iv


def test_missing_quotes_have_a_reason():
    option = options_of(smile_chain(FORWARD, [FORWARD]))[f"BTC-{IN_A_WEEK}-70000-P"]
    assert (option.bid, option.bid_iv) == (None, None)
    assert option.flags == ["bid:no_price", "ask:no_price"]


def test_a_bid_below_intrinsic_has_no_volatility():
    chain = smile_chain(FORWARD, [50_000.0], bid=0.28, ask=0.31)
    assert options_of(chain)[f"BTC-{IN_A_WEEK}-50000-C"].flags == ["bid:below_intrinsic", "undetermined"]
    assert options_of(chain)[f"BTC-{IN_A_WEEK}-50000-P"].flags == []


def test_our_own_volatility_replaces_a_missing_mark_volatility():
    (record,) = records_of(smile_chain(FORWARD, STRIKES, vol=0.5, mark_iv=math.nan))
    assert record.atm_iv == pytest.approx(0.5, abs=1e-9)


def test_an_option_at_its_expiry_has_no_record():
    chain = smile_chain(FORWARD, STRIKES)
    assert records_of(chain, EXPIRY) == []
    assert len(records_of(chain, EXPIRY - 1)) == 1


def test_volatilities_are_null_exactly_where_there_is_a_reason(summary_chain):
    surface = build_surface(summary_chain)
    for vols, why in [(surface.bid, surface.bid_reason), (surface.ask, surface.ask_reason)]:
        assert np.array_equal(np.isnan(vols), why != Reason.SOLVED)


def test_no_record_contains_nan(summary_chain):
    no_build_ups = [None] * 908
    for record in surface_records("deribit", summary_chain, build_surface(summary_chain), no_build_ups):
        values = [getattr(record, name) for name in record.__struct_fields__]
        assert not any(isinstance(value, float) and math.isnan(value) for value in values)
