"""Records of whole chains: both styles, and defined answers to bad input."""

import math

import numpy as np
import pytest

from market.options.chain import Chain
from market.options.forward import MS_PER_YEAR
from market.options.implied import Reason
from market.options.legs import surface_records
from market.options.summary import chain_records, underlying_tick
from market.options.surface import build_surface
from tests.market.options.builders import (
    EXPIRY,
    IN_A_WEEK,
    IN_TWO_WEEKS,
    NOW,
    add_smile,
    black,
    interest_chain,
    model_of,
    nifty_chain,
    quote,
    smile_chain,
)

FORWARD = 70_000.0
STRIKES = [float(strike) for strike in range(50_000, 92_000, 2_000)]


def records_of(chain: Chain, time: int = NOW):
    model = model_of(chain, time)
    return chain_records("deribit", model, build_surface(model))


def legs_of(chain: Chain):
    model = model_of(chain)
    nothing = [None] * len(model.view.layout.instruments)
    return {leg.instrument: leg for leg in surface_records("deribit", model, build_surface(model), nothing)}


def test_inverse_chain():
    (record,) = records_of(smile_chain(FORWARD, STRIKES, vol=0.5, skew=-0.2))
    years = (EXPIRY - NOW) / MS_PER_YEAR
    each = black(FORWARD, FORWARD, years, 0.5, True)
    assert (record.forward, record.forward_source, record.linear) == (FORWARD, "published", False)
    assert (record.strikes, record.options, record.years) == (21, 42, years)
    assert (record.atm_strike, record.straddle_source) == (FORWARD, "mark")
    assert record.straddle == pytest.approx(2 * each)
    assert record.straddle_coin == record.implied_move == pytest.approx(2 * each / FORWARD)
    assert record.atm_iv == pytest.approx(0.5, abs=1e-6)
    assert record.skew_slope == pytest.approx(-0.2, abs=1e-6)
    assert record.risk_reversal_25 < 0
    assert record.svi_worst < 0.01
    assert record.flags == ["no_call_volume", "no_zero_gamma"]


def test_equity_index_chain():
    """Rupees, a rate, an expiry at 10:00 UTC, the forward by parity."""
    strikes = [float(strike) for strike in range(22_000, 26_100, 100)]
    chain = nifty_chain(24_000.0, 0.065, strikes, vol=0.14, quoted=True)
    (record,) = records_of(chain)
    years = (EXPIRY + 7_200_000 - NOW) / MS_PER_YEAR
    forward = 24_000 * math.exp(0.065 * years)
    each = [black(forward, 24_000.0, years, 0.14, kind) * math.exp(-0.065 * years) for kind in (True, False)]
    assert (record.expiry, record.linear, record.forward_source) == (EXPIRY + 7_200_000, True, "parity")
    assert record.forward == pytest.approx(forward, abs=1e-6)
    assert record.straddle == pytest.approx(sum(each))
    assert (record.straddle_coin, record.straddle_source) == (None, "mid")
    assert record.atm_iv == pytest.approx(0.14, abs=1e-8)
    leg = legs_of(chain)[f"NIFTY-{IN_A_WEEK}-24000-C"]
    assert leg.iv == pytest.approx(0.14, abs=1e-10)
    assert leg.mark_iv is None
    assert leg.bid_iv < leg.iv < leg.ask_iv
    assert leg.net_delta is None


def test_premium_and_exposure_are_in_money():
    chain = smile_chain(FORWARD, [FORWARD], open_interest=10.0)
    (record,) = records_of(chain)
    leg = legs_of(chain)[f"BTC-{IN_A_WEEK}-70000-C"]
    assert record.call_premium == pytest.approx(10 * leg.mark * FORWARD)
    assert leg.gamma_usd == pytest.approx(leg.gamma * 10 * FORWARD**2 * 0.01)
    assert record.gamma_gross == pytest.approx(2 * leg.gamma_usd)
    assert record.gamma_naive == pytest.approx(0, abs=1e-6)


def test_expiries_are_never_pooled_and_totals_are_ratios_of_sums():
    chain = interest_chain({90: (953.7, 512.5)})
    for event in [("C", 1302.2), ("P", 1204.3)]:
        chain.apply(quote(f"BTC-{IN_TWO_WEEKS}-90-{event[0]}", open_interest=event[1]))
    near, far = records_of(chain)
    assert (round(near.pcr_open_interest, 4), round(far.pcr_open_interest, 4)) == (0.5374, 0.9248)
    assert underlying_tick("deribit", model_of(chain)).pcr_open_interest == pytest.approx(1716.8 / 2255.9)


def test_term_structure():
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


def test_a_chain_of_one_strike():
    (record,) = records_of(smile_chain(FORWARD, [FORWARD]))
    assert (record.max_pain, record.atm_strike) == (FORWARD, FORWARD)
    assert record.atm_iv == pytest.approx(0.5)
    assert {"degenerate", "no_25_delta", "no_fit"} <= set(record.flags)


def test_all_puts():
    chain = Chain("BTC")
    for strike in (60_000, 70_000):
        fields = {"underlying": FORWARD, "is_forward": 1.0, "mark_iv": 0.5, "mark": 0.02, "open_interest": 2.0}
        chain.apply(quote(f"BTC-{IN_A_WEEK}-{strike}-P", **fields))
    (record,) = records_of(chain)
    assert (record.pcr_open_interest, record.call_wall, record.put_wall) == (None, None, 70_000)
    assert (record.max_pain, record.straddle, record.call_open_interest) == (70_000, None, 0)
    assert {"no_call_interest", "no_call_volume", "no_straddle"} <= set(record.flags)


def test_no_forward_leaves_positioning():
    (record,) = records_of(interest_chain({90: (0, 10), 100: (10, 0), 110: (0, 10), 120: (10, 0)}))
    assert (record.max_pain_low, record.max_pain_high, record.max_pain) == (100, 110, 100)
    assert (record.forward, record.atm_iv, record.straddle, record.zero_gamma) == (None, None, None, None)
    assert record.gamma_gross == 0
    assert "no_forward" in record.flags


def test_nothing_held():
    (record,) = records_of(smile_chain(FORWARD, STRIKES, open_interest=0.0))
    assert (record.max_pain, record.pain, record.pcr_open_interest, record.call_wall) == (None,) * 4
    assert {"no_open_interest", "no_call_interest"} <= set(record.flags)


def test_a_crossed_quote_is_flagged_and_is_no_mid():
    chain = smile_chain(FORWARD, [FORWARD])
    crossed = {"bid": 0.06, "ask": 0.05, "mark": 0.03, "underlying": FORWARD, "is_forward": 1.0, "mark_iv": 0.5}
    chain.apply(quote(f"BTC-{IN_A_WEEK}-70000-C", NOW + 1, **crossed))
    assert records_of(chain)[0].straddle_source == "mark"
    leg = legs_of(chain)[f"BTC-{IN_A_WEEK}-70000-C"]
    assert leg.flags == ["crossed"]
    assert leg.bid_iv > leg.ask_iv


def test_missing_quotes_name_the_reason():
    leg = legs_of(smile_chain(FORWARD, [FORWARD]))[f"BTC-{IN_A_WEEK}-70000-P"]
    assert (leg.bid, leg.bid_iv) == (None, None)
    assert leg.flags == ["bid:no_price", "ask:no_price"]


def test_a_bid_below_intrinsic_has_no_volatility():
    chain = smile_chain(FORWARD, [50_000.0], bid=0.28, ask=0.31)
    assert legs_of(chain)[f"BTC-{IN_A_WEEK}-50000-C"].flags == ["bid:below_intrinsic"]
    assert legs_of(chain)[f"BTC-{IN_A_WEEK}-50000-P"].flags == []


def test_without_the_venues_volatility_our_own_steps_in():
    (record,) = records_of(smile_chain(FORWARD, STRIKES, vol=0.5, mark_iv=math.nan))
    assert record.atm_iv == pytest.approx(0.5, abs=1e-9)


def test_a_stale_quote_past_its_expiry_is_not_listed():
    chain = smile_chain(FORWARD, STRIKES)
    assert records_of(chain, EXPIRY) == []
    assert len(records_of(chain, EXPIRY - 1)) == 1


def test_every_null_of_a_surface_has_a_reason_and_every_value_none(summary_model):
    surface = build_surface(summary_model)
    for vols, why in [(surface.bid, surface.bid_reason), (surface.ask, surface.ask_reason)]:
        assert np.array_equal(np.isnan(vols), why != Reason.SOLVED)


def test_no_records_hold_a_nan(summary_model):
    nothing = [None] * 908
    for record in surface_records("deribit", summary_model, build_surface(summary_model), nothing):
        values = [getattr(record, name) for name in record.__struct_fields__]
        assert not any(isinstance(value, float) and math.isnan(value) for value in values)
