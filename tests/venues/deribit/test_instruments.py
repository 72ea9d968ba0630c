"""Names of options in every Deribit grammar, and names of other instruments."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.options.events import Instrument
from venues.deribit.instruments import parse_name, size_unit


def at_eight(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 8, tzinfo=timezone.utc).timestamp()) * 1000


@pytest.mark.parametrize(
    ("name", "underlying", "expiry", "strike", "is_call", "linear"),
    [
        ("BTC-9JUN20-9875-P", "BTC", at_eight(2020, 6, 9), 9875, False, False),
        ("BTC-30APR26-77500-P", "BTC", at_eight(2026, 4, 30), 77500, False, False),
        ("ETH-27AUG21-4000-C", "ETH", at_eight(2021, 8, 27), 4000, True, False),
        ("XRP_USDC-30JUN23-0d625-C", "XRP_USDC", at_eight(2023, 6, 30), 0.625, True, True),
        ("BTC_USDC-28NOV25-95000-P", "BTC_USDC", at_eight(2025, 11, 28), 95000, False, True),
        ("SOL_USDC-5DEC25-131d5-C", "SOL_USDC", at_eight(2025, 12, 5), 131.5, True, True),
        ("NIFTY-27NOV25-24000-C", "NIFTY", at_eight(2025, 11, 27), 24000, True, False),
        ("BTC-29FEB24-60000-C", "BTC", at_eight(2024, 2, 29), 60000, True, False),
    ],
)
def test_an_option_name_is_parsed(name, underlying, expiry, strike, is_call, linear):
    assert parse_name(name) == Instrument(name, underlying, expiry, strike, is_call, linear)


@pytest.mark.parametrize(
    "name",
    [
        "BTC-CS-19MAY26-70000_75000",
        "BTC-PERPETUAL",
        "BTC-25SEP26",
        "SYN.BTC-31JUL26",
        "BTC-31FEB26-70000-C",
        "BTC-29FEB26-70000-C",
        "BTC-00MAY26-70000-C",
        "BTC-09MAY26-70000-C",
        "BTC-9XYZ26-70000-C",
        "BTC-9MAY26-0-C",
        "BTC-9MAY26-0d-C",
        "BTC-9MAY26-1.5-C",
        "BTC-9MAY26-70000-X",
        "btc-9MAY26-70000-C",
        "BTC-9MAY26-70000-C\n",
        " BTC-9MAY26-70000-C",
        "-9MAY26-70000-C",
        "",
    ],
)
def test_other_names_are_no_option(name):
    assert parse_name(name) is None


@given(st.text(max_size=40))
def test_no_text_raises(name):
    assert parse_name(name) is None or "-" in name


def test_recorded_instruments_equal_their_parsed_names(recorded_events):
    """980 options of BTC, ETH and SOL: expiry, strike and kind."""
    listed = [event for event in recorded_events if isinstance(event, Instrument)]
    assert len(listed) == 980
    assert all(parse_name(instrument.name) == instrument for instrument in listed)


@pytest.mark.parametrize(
    ("symbol", "unit"),
    [
        ("BTC-PERPETUAL", "USD"),
        ("ETH-25DEC26", "USD"),
        ("BTC-27NOV26-73000-P", "BTC"),
        ("XRP_USDC-30JUN23-0d625-C", "XRP"),
        ("SOL_USDC-PERPETUAL", "SOL"),
        ("BTC_USDC", "BTC"),
    ],
)
def test_inverse_perpetuals_and_futures_count_usd_and_the_others_their_coin(symbol, unit):
    assert size_unit(symbol) == unit
