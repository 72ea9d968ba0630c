"""Events of Deribit's option frames, and rejected ones."""

import json
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.envelope import InvalidRecord
from ingestion.recordings import Recording
from market.options.chain_view import QuoteColumns
from market.options.events import IndexPrice, Instrument, OptionQuote, Quote
from tests.market.options.builders import EXPIRY, NOW
from tests.recorded_frames import recorded_path
from venues.deribit.option_messages import parse

NAME = "BTC-27NOV26-70000-C"
TICKER = {"instrument_name": NAME, "timestamp": NOW, "mark_price": 0.05, "mark_iv": 50.0, "open_interest": 3.0}


def notification(data: object, channel: str = f"ticker.{NAME}.100ms") -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": channel, "data": data}}
    ).encode()


def ticker(**fields: object) -> OptionQuote | InvalidRecord:
    (event,) = parse(notification(TICKER | fields))
    assert isinstance(event, OptionQuote | InvalidRecord)
    return event


def reply(*rows: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "result": rows}).encode()


def test_a_ticker_is_an_option_quote():
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
def test_the_underlying_index_decides_if_the_underlying_price_is_the_forward(index, is_forward):
    assert ticker(underlying_index=index).quote.is_forward == is_forward


@pytest.mark.parametrize("nothing", [{}, {"best_bid_price": 0.0}, {"best_bid_price": None}])
def test_no_bid_is_none_and_never_zero(nothing):
    assert math.isnan(ticker(**nothing).quote.bid)


@pytest.mark.parametrize(
    ("percent", "vol"), [(36.63, 0.3663), (0, None), (999, None), (999.0, None), (-3, None), (None, None)]
)
def test_mark_volatility_is_a_fraction_and_0_and_999_are_none(percent, vol):
    got = ticker(mark_iv=percent).quote.mark_iv
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
def test_an_unusable_ticker_is_rejected(bad):
    assert isinstance(ticker(**bad), InvalidRecord)


def test_a_number_too_large_for_a_double_is_rejected():
    (event,) = parse(notification(TICKER).replace(b"0.05", b"1e999"))
    assert isinstance(event, InvalidRecord)


def test_an_index_notification_is_an_index_price():
    data = {"index_name": "btc_usd", "price": 76090.54, "timestamp": NOW}
    assert list(parse(notification(data, "deribit_price_index.btc_usd"))) == [IndexPrice("btc_usd", NOW, 76090.54)]


def test_an_instrument_row_overrides_the_name():
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


def test_rows_of_other_chains_are_skipped():
    names = ("XRP_USDC-27NOV26-0d625-C", "SOL_USDC-27NOV26-100-P")
    rows = [{"instrument_name": name, "strike": 1.0, "option_type": "call"} for name in names]
    frame = reply(*({**row, "expiration_timestamp": EXPIRY} for row in rows))
    assert [event.name for event in parse(frame, "SOL_USDC")] == [names[1]]
    assert [event.name for event in parse(frame)] == list(names)


@pytest.mark.parametrize(("minutes", "index"), [(31, 70050.0), (30, None), (1, None)])
def test_the_estimated_delivery_price_is_the_index_until_the_settlement_window(minutes, index):
    row = {
        "instrument_name": NAME,
        "creation_timestamp": EXPIRY - minutes * 60_000,
        "estimated_delivery_price": 70050.0,
    }
    (quote,) = parse(reply(row))
    assert (None if math.isnan(quote.quote.index_price) else quote.quote.index_price) == index
    (ticker_quote,) = parse(
        notification(TICKER | row | {"timestamp": EXPIRY - minutes * 60_000, "index_price": 70060.0})
    )
    assert ticker_quote.quote.index_price == 70060.0


def test_a_row_without_a_name_is_rejected_in_any_chain():
    (reason,) = parse(reply({"mark_price": 1.0}), "BTC")
    assert str(reason) == "a quote without instrument_name or timestamp"


def test_instrument_state_notifications_are_skipped():
    data = {"timestamp": NOW, "state": "closed", "instrument_name": NAME}
    assert list(parse(notification(data, "instrument.state.option.BTC"))) == []


def test_a_bad_row_does_not_affect_the_others():
    good = {"instrument_name": NAME, "creation_timestamp": NOW, "mark_price": 0.05}
    first, second = parse(reply(good | {"open_interest": -1}, good))
    assert isinstance(first, InvalidRecord)
    assert isinstance(second, OptionQuote)


@pytest.mark.parametrize(
    "frame",
    [b"", b"{", b"[]", b"null", b"{}", b'{"result":null}', b'{"result":7}', b"\xff", b'{"params":{}}', b"[" * 5000],
)
def test_a_value_that_is_no_frame_is_rejected(frame):
    events = list(parse(frame))
    assert events
    assert all(isinstance(event, InvalidRecord) for event in events)


def test_a_reject_names_the_unexpected_channel():
    (event,) = parse(notification({}, f"book.{NAME}.raw"))
    assert str(event) == f"channel book.{NAME}.raw: expected ticker.* or deribit_price_index.*"


@settings(max_examples=300)
@given(st.binary(max_size=8), st.integers(0, 200), st.integers(0, 8))
def test_no_mutated_frame_raises(patch, at, cut):
    frame = notification(TICKER)
    for event in parse(frame[:at] + patch + frame[at + cut :]):
        assert isinstance(event, OptionQuote | InvalidRecord)


def test_the_option_frames_of_the_fixture_are_read_completely():
    recording = Recording(recorded_path("fixtures/deribit/plain.jsonl"))
    frames = [bytes(each.frame) for each in recording if not each.channel.startswith(("book", "trades"))]
    events = Counter(type(event) for frame in frames for event in parse(frame))
    assert events == {Instrument: 12, OptionQuote: 24, IndexPrice: 3}


def test_the_recorded_summary_is_read_completely(summary_frame):
    events = list(parse(summary_frame))
    assert len(events) == 908
    assert sum(math.isnan(event.quote.bid) for event in events) == 41
    assert sum(event.quote.open_interest > 0 for event in events) == 750


def test_columns_are_the_fields_of_a_quote():
    assert QuoteColumns._fields == Quote._fields
