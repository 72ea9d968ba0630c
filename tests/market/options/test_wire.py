"""Deribit's frames as events, and what is unusable."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.envelope import Unusable
from market.options.instrument import Instrument
from market.options.view import Columns
from market.options.wire import IndexPrice, OptionQuote, Quote, parse
from tests.market.options.builders import EXPIRY, NOW

NAME = "BTC-27NOV26-70000-C"
TICKER = {"instrument_name": NAME, "timestamp": NOW, "mark_price": 0.05, "mark_iv": 50.0, "open_interest": 3.0}


def notification(data: object, channel: str = f"ticker.{NAME}.100ms") -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}
    ).encode()


def ticker(**fields: object) -> OptionQuote | Unusable:
    (event,) = parse(notification(TICKER | fields))
    assert isinstance(event, OptionQuote | Unusable)
    return event


def reply(*rows: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "result": rows}).encode()


def test_ticker():
    event = ticker(
        best_bid_price=0.048,
        best_bid_amount=10.0,
        best_ask_price=0.052,
        best_ask_amount=4.0,
        stats={"volume": 7.5, "high": None},
        underlying_price=70100.5,
        underlying_index="BTC-27NOV26",
        index_price=70050.0,
        interest_rate=0.0,
        greeks={"delta": 0.5},
    )
    assert event == OptionQuote(
        NAME, NOW, Quote(0.048, 10.0, 0.052, 4.0, 0.05, 0.5, 3.0, 7.5, 70100.5, 1.0, 70050.0, 0.0)
    )


@pytest.mark.parametrize(("index", "is_forward"), [("index_price", 0), ("BTC-25SEP26", 1), ("SYN.BTC-31JUL26", 1)])
def test_the_kind_of_underlying_says_whether_its_price_is_the_forward(index, is_forward):
    assert ticker(underlying_index=index).quote.is_forward == is_forward


@pytest.mark.parametrize("nothing", [{}, {"best_bid_price": 0.0}, {"best_bid_price": None}])
def test_no_bid_is_none_and_never_zero(nothing):
    assert math.isnan(ticker(**nothing).quote.bid)


@pytest.mark.parametrize(
    ("said", "vol"), [(36.63, 0.3663), (0, None), (999, None), (999.0, None), (-3, None), (None, None)]
)
def test_mark_volatility_is_a_fraction_and_0_and_999_are_none(said, vol):
    got = ticker(mark_iv=said).quote.mark_iv
    assert got == vol or (vol is None and math.isnan(got))


@pytest.mark.parametrize(
    "bad",
    [
        {"open_interest": -1.0},
        {"mark_price": -0.1},
        {"best_ask_price": "0.1"},
        {"timestamp": 0},
        {"timestamp": None},
        {"instrument_name": "BTC-27NOV26-75000-C"},
        {"instrument_name": None},
        {"interest_rate": 1e9},
        {"stats": {"volume": -2}},
    ],
)
def test_unusable_tickers(bad):
    assert isinstance(ticker(**bad), Unusable)


def test_number_too_large_for_a_double_is_unusable():
    (event,) = parse(notification(TICKER).replace(b"0.05", b"1e999"))
    assert isinstance(event, Unusable)


def test_index_price():
    data = {"index_name": "btc_usd", "price": 76090.54, "timestamp": NOW}
    assert list(parse(notification(data, "deribit_price_index.btc_usd"))) == [IndexPrice("btc_usd", NOW, 76090.54)]


def test_instrument_rows_beat_the_name():
    row = {
        "instrument_name": "NIFTY-27NOV26-24000-C",
        "kind": "option",
        "strike": 24000.0,
        "option_type": "call",
        "expiration_timestamp": EXPIRY + 7_200_000,
        "instrument_type": "linear",
    }
    expected = Instrument("NIFTY-27NOV26-24000-C", "NIFTY", EXPIRY + 7_200_000, 24000.0, True, True)
    assert list(parse(reply(row))) == [expected]
    assert list(parse(json.dumps({"result": row}).encode())) == [expected]
    assert list(parse(reply(row | {"kind": "future"}))) == []


def test_of_a_listing_of_several_families_one_is_asked_for():
    names = ("XRP_USDC-27NOV26-0d625-C", "SOL_USDC-27NOV26-100-P")
    rows = [{"instrument_name": name, "strike": 1.0, "option_type": "call"} for name in names]
    frame = reply(*({**row, "expiration_timestamp": EXPIRY} for row in rows))
    assert [event.name for event in parse(frame, "SOL_USDC")] == [names[1]]
    assert [event.name for event in parse(frame)] == list(names)


def test_a_row_without_a_name_is_unusable_in_any_chain():
    (reason,) = parse(reply({"mark_price": 1.0}), "BTC")
    assert str(reason) == "a quote without instrument_name or timestamp"


def test_news_of_instruments_are_passed_over():
    data = {"timestamp": NOW, "state": "closed", "instrument_name": NAME}
    assert list(parse(notification(data, "instrument.state.option.BTC"))) == []


def test_a_bad_row_leaves_the_others():
    good = {"instrument_name": NAME, "creation_timestamp": NOW, "mark_price": 0.05}
    first, second = parse(reply(good | {"open_interest": -1}, good))
    assert isinstance(first, Unusable)
    assert isinstance(second, OptionQuote)


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"[]", b"null", b"{}", b'{"result":null}', b'{"result":7}', b"\xff", b'{"params":{}}', b"[" * 5000],
)
def test_what_is_no_frame(frame):
    events = list(parse(frame))
    assert events
    assert all(isinstance(event, Unusable) for event in events)


def test_another_channel_is_named():
    (event,) = parse(notification({}, f"book.{NAME}.raw"))
    assert str(event) == f"channel book.{NAME}.raw: expected ticker.* or deribit_price_index.*"


@settings(max_examples=300)
@given(st.binary(max_size=8), st.integers(0, 200), st.integers(0, 8))
def test_no_mutation_raises(patch, at, cut):
    frame = notification(TICKER)
    for event in parse(frame[:at] + patch + frame[at + cut :]):
        assert isinstance(event, OptionQuote | Unusable)


def test_recorded_reply(summary_frame):
    events = list(parse(summary_frame))
    assert len(events) == 908
    assert sum(math.isnan(event.quote.bid) for event in events) == 41
    assert sum(event.quote.open_interest > 0 for event in events) == 750


def test_columns_are_the_fields_of_a_quote():
    assert Columns._fields == Quote._fields
