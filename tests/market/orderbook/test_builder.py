"""Builders given invalid values and invalid keys."""

import json

import pytest

from core.envelope import InvalidRecord, check_event_time
from market.orderbook.book_batch import Counts
from market.orderbook.book_config import BookConfig
from market.reject_all import RejectAll
from tests.market.orderbook.builders import (
    Kraken,
    build_batch,
    envelope,
    new_builder,
    reject_reasons,
    rest_snapshot,
    rows,
    spot,
)
from venues.registry import VENUES, open_builder

GOOD = spot(11, 12, bids=[(100, 9)])
BEFORE = (spot(9, 10), rest_snapshot("binance", 10))
LEVEL = b'[["100.00", "9.00000000"]]'


def with_level(level: bytes) -> bytes:
    """A valid update with this level instead of its own."""
    assert LEVEL in GOOD
    return GOOD.replace(LEVEL, level)


BAD = [
    ("a null value", None, "expected an envelope, got a null value"),
    ("an empty value", b"", "expected an envelope, got an empty value"),
    ("truncated JSON", GOOD[:-9], "expected an envelope: Input data was truncated"),
    ("an array instead of an object", b"[1]", "expected an envelope: Expected `object`, got `array`"),
    ("a missing field", b'{"venue":"binance"}', "expected an envelope: Object missing required field `channel`"),
    ("another venue", GOOD.replace(b'"binance"', b'"kraken"'), "expected key binance:ETHUSDT, got kraken:ETHUSDT"),
    (
        "another symbol",
        GOOD.replace(b'"ETHUSDT", "conn', b'"BTC", "conn'),
        "expected key binance:ETHUSDT, got binance:BTC",
    ),
    ("another symbol within", GOOD.replace(b'"s": "ETH', b'"s": "BTC'), "expected symbol ETHUSDT, got BTCUSDT"),
    ("an unknown channel", GOOD.replace(b'"depth@100ms"', b'"klines"'), "expected a channel of binance, got 'klines'"),
    ("a negative count", GOOD.replace(b'"seq": 0', b'"seq": -1'), "Expected `int` >= 0 - at `$.seq`"),
    ("a late receive time", GOOD.replace(b"1767225600000000", b"9" * 17), "at `$.recv_us`"),
    (
        "neither frame nor event",
        GOOD.split(b', "frame"')[0] + b"}",
        "expected one of frame, frame_text and event, got none",
    ),
    ("frame and event", GOOD[:-1] + b',"event":"connected"}', "got frame and event"),
    (
        "text instead of a frame",
        GOOD.split(b', "frame"')[0] + b',"frame_text":"hello"}',
        "expected a JSON frame, got text 'hello'",
    ),
    ("NaN", with_level(b'[["100.00","NaN"]]'), "Expected `float` >= 0.0 - at `$.b[0][1]`"),
    ("infinity", with_level(b'[["100.00","inf"]]'), "frame of depth@100ms: "),
    ("an exponent out of range", with_level(b'[["100.00","1e999"]]'), "frame of depth@100ms: "),
    ("a negative size", with_level(b'[["100.00","-1"]]'), "Expected `float` >= 0.0 - at `$.b[0][1]`"),
    ("a negative price", with_level(b'[["-100.00","1"]]'), "Expected `float` > 0.0 - at `$.b[0][0]`"),
    ("a price of zero", with_level(b'[["0.00","1"]]'), "Expected `float` > 0.0 - at `$.b[0][0]`"),
    ("a level without a size", with_level(b'[["100.00"]]'), "Expected `array` of length 2 - at `$.b[0]`"),
    ("null for a size", with_level(b'[["100.00",null]]'), "Expected `float`, got `null` - at `$.b[0][1]`"),
    ("a boolean for a size", with_level(b'[["100.00",true]]'), "Expected `float`, got `bool` - at `$.b[0][1]`"),
    ("invalid UTF-8", GOOD.replace(b"depthUpdate", b"depth\xff"), "expected UTF-8, got byte 0xff at "),
    ("invalid UTF-8 in an ignored field", GOOD.replace(b"ethusdt@depth", b"\xfe"), "expected UTF-8, got byte 0xfe at "),
    ("ten megabytes", GOOD[:-1] + b',"pad":"' + b"x" * 10_000_000 + b'"}', "expected at most 8388608 bytes, got 10000"),
    ("deep nesting", b"[" * 100_000, "expected an envelope: "),
    ("ids that run backwards", GOOD.replace(b'"U": 11', b'"U": 13'), "expected U <= u, got U 13 and u 12"),
]


@pytest.mark.parametrize(("name", "value", "reason"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_input_is_rejected_with_a_reason_and_changes_nothing(name: str, value: bytes | None, reason: str) -> None:
    batch = build_batch("binance", *BEFORE, value, GOOD)
    assert len(batch.rejects) == 1 and batch.rejects[0].index == 2
    assert reason in reject_reasons(batch)[0]
    assert batch.processed == build_batch("binance", *BEFORE, GOOD).processed


def test_a_reject_names_the_part_in_error() -> None:
    values = [GOOD.replace(b'"binance"', b'"kraken"'), b"{", with_level(b"[[]]")]
    assert [reject.where for reject in build_batch("binance", *values).rejects] == ["key", "envelope", "frame"]


@pytest.mark.parametrize("key", [None, "", "binance", "binance:", "bitmex:XBT", ":ETHUSDT"])
def test_a_key_without_a_known_venue_rejects_every_value(key: str | None) -> None:
    builder = open_builder(key, BookConfig())
    batch = builder.apply_all([GOOD, None])
    assert isinstance(builder, RejectAll) and batch.counts == Counts(frames=2, rejected=2)
    assert reject_reasons(batch)[0].startswith("expected a key venue:symbol with venue one of " + ", ".join(VENUES))
    assert (builder.journal(), builder.mark_stale(0), builder.synced) == (None, None, False)


def test_a_symbol_may_contain_a_colon() -> None:
    assert not isinstance(open_builder("binance:A:B", BookConfig()), RejectAll)


def test_a_book_ticker_counts_as_ignored() -> None:
    ticker = envelope("binance", {"data": {"u": 5, "s": "ETHUSDT"}}, "bookTicker")
    assert build_batch("binance", ticker).counts == Counts(frames=1, ignored=1)


def test_an_acknowledgement_counts_as_ignored() -> None:
    assert build_batch("binance", envelope("binance", {"result": None, "id": 1})).counts == Counts(frames=1, ignored=1)


def test_a_refused_subscription_is_rejected_with_the_error_of_the_venue() -> None:
    refusal = envelope("kraken", {"method": "subscribe", "success": False, "error": "Currency pair not supported"})
    assert "Currency pair not supported" in reject_reasons(build_batch("kraken", refusal))[0]


def test_kraken_rejects_an_exponent_too_long_to_write_out() -> None:
    update = Kraken().snapshot().replace(b'"qty":1.00000000', b'"qty":0e-99999999', 1)
    assert reject_reasons(build_batch("kraken", update)) == ["expected a number of a book, got 0e-99999999"]


def test_depths_follow_the_configuration() -> None:
    book = rest_snapshot("binance", 10, bids=[(100 - n, 1) for n in range(9)], asks=[(101 + n, 2) for n in range(9)])
    batch = build_batch("binance", book, spot(11, 11), depth=3, levels=2)
    (row,) = rows(batch)
    assert (row["bid_depth"], row["ask_depth"], row["levels_bid"], row["depth"]) == (3, 6, 3, 3)
    assert batch.book and json.loads(batch.book)["asks"] == [[101, 2], [102, 2]]


def test_published_levels_may_be_fewer_than_those_measured() -> None:
    book = rest_snapshot("binance", 10, bids=[(100 - n, 1) for n in range(9)])
    assert rows(build_batch("binance", book, spot(11, 11), depth=8, levels=2))[0]["bid_depth"] == 8


def test_a_batch_without_an_applied_update_has_no_book() -> None:
    builder = new_builder("binance")
    assert builder.apply_all([*BEFORE, GOOD]).book is not None
    assert builder.apply_all([GOOD, None]).book is None
    assert builder.apply_all([]).book is None


def test_a_time_before_1970_is_no_event_time() -> None:
    with pytest.raises(InvalidRecord, match="^expected an event time in ms since 1970, got -1$"):
        check_event_time(-1, 0)
