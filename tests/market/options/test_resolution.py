"""Volatilities that one printed unit of price or forward moves by a point are flagged."""

import numpy as np
import pytest

from market.options.chain import Chain
from market.options.implied_vol import implied_vol
from market.options.resolution import PricedVols, printed_units, undetermined
from market.options.surface import build_surface, reason_flags
from tests.market.options.builders import priced_view, quote
from venues.deribit import OPTION_FEED

ONE = [slice(None)]
FORWARD = 70_000.12


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0.1553, 0.02, np.nan], 1e-4),
        ([1.63560187], 1e-8),
        ([61048.04, 61048.0], 1e-2),
        ([5.0, 120.0], 1.0),
        ([0.1 + 0.2, 1 / 3], 0.0),
        ([np.nan], 1.0),
    ],
)
def test_the_unit_is_that_of_the_longest_printed_number(values: list[float], unit: float) -> None:
    assert printed_units(np.array(values), ONE) == pytest.approx(unit)


def test_the_unit_of_each_part_is_its_own() -> None:
    assert printed_units(np.array([0.5, 0.25, 3.0]), [slice(0, 2), slice(2, 3)]) == pytest.approx([0.01, 0.01, 1])


def vol_of(price: float, forward: float, strike: float, years: float, is_call: bool) -> float:
    """Volatility of a price in coin."""
    inputs = (np.array([value]) for value in (price * forward, forward, strike, years))
    return float(implied_vol(*inputs, np.array([is_call])).vol[0])


@pytest.mark.parametrize("strike", [20_000.0, 40_000.0, 60_000.0, 70_000.0, 80_000.0, 150_000.0])
@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("days", [1, 30, 300])
def test_the_flag_agrees_with_solving_again_one_unit_away(strike: float, is_call: bool, days: int) -> None:
    years, price_unit, forward_unit = days / 365, 1e-6, 0.01
    intrinsic = max((1 if is_call else -1) * (1 - strike / FORWARD), 0.0)
    for time_value in (2e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        price = intrinsic + time_value
        vol = vol_of(price, FORWARD, strike, years, is_call)
        moved = [vol_of(price + price_unit, FORWARD, strike, years, is_call)]
        moved.append(vol_of(price, FORWARD + forward_unit, strike, years, is_call))
        columns = (np.array([value]) for value in (vol, price * FORWARD, FORWARD, strike, years, is_call, False))
        flagged = undetermined(PricedVols(*columns, np.array([price_unit * FORWARD]), np.array([forward_unit])))[0]
        move = np.nanmax(np.abs(np.array(moved) - vol))
        assert flagged or move < 0.012  # the flag is the slope times a unit, the move is along the curve
        assert not flagged or move > 0.005


def test_a_mark_deep_in_the_money_is_flagged_and_one_at_the_money_is_not() -> None:
    chain = Chain("BTC", OPTION_FEED)
    for name, mark in (("20000-C", 0.7147), ("70000-C", 0.0275), ("70000-P", 0.0274), ("140000-P", 1.0013)):
        chain.apply(quote(f"BTC-27NOV26-{name}", mark=mark, underlying=FORWARD, is_forward=1.0))
    priced = priced_view(chain)
    flags = dict(
        zip((i.name for i in priced.view.layout.instruments), reason_flags(build_surface(priced)), strict=False)
    )
    assert {name for name, found in flags.items() if "undetermined" in found} == {
        "BTC-27NOV26-20000-C",
        "BTC-27NOV26-140000-P",
    }


def test_a_bid_is_the_exact_price_of_an_order_and_a_mark_is_rounded() -> None:
    chain = Chain("BTC", OPTION_FEED)
    values = {"bid": 0.7147, "ask": 0.7147, "mark": 0.7147, "underlying": FORWARD, "is_forward": 1.0}
    chain.apply(quote("BTC-27NOV26-20000-C", **values))
    assert reason_flags(build_surface(priced_view(chain)))[0] == ["undetermined"]


def test_of_the_recorded_chain_seven_are_undetermined(summary_chain) -> None:
    surface = build_surface(summary_chain)
    assert surface.undetermined.sum(axis=1).tolist() == [0, 0, 7]
    assert not surface.undetermined[2][np.isnan(surface.mark)].any()
