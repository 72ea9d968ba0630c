"""Binance's messages and refusals."""

from typing import Any

import pytest

from core.envelope import InvalidRecord
from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from market.orderbook.feed_types import ChannelKind
from tests.market.orderbook.builders import build_batch, envelope, reject_reasons
from tests.recorded_frames import case_path
from venues.binance import messages

KINDS = [
    ("depth", ChannelKind.BOOK),
    ("depth@100ms", ChannelKind.BOOK),
    ("depth@0ms", ChannelKind.BOOK),
    ("snapshot", ChannelKind.SNAPSHOT),
    ("aggTrade", ChannelKind.TRADES),
    ("bookTicker", ChannelKind.IGNORED),
    ("depth20@100ms", ChannelKind.PARTIAL),
    ("kline_1m", None),
]


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_a_channel_has_one_kind_of_frame(channel: str, kind: ChannelKind | None) -> None:
    assert messages.channel_kind(channel) is kind


BARE = b'{"e":"depthUpdate","E":1,"s":"ETHUSDT","U":1,"u":2,"b":[["1.50","0.00000000"]],"a":[]}'


@pytest.mark.parametrize("frame", [BARE, b'{"stream":"ethusdt@depth","data":' + BARE + b"}"])
def test_combined_and_bare_events_are_parsed_alike(frame: bytes) -> None:
    parsed = messages.parse(ChannelKind.BOOK, frame, "ETHUSDT")
    assert isinstance(parsed, messages.DepthFrame) and parsed.data.bids == [(1.5, 0.0)]


@pytest.mark.parametrize("frame", [b'{"result":null,"id":1}', b'{"e":"serverShutdown","E":1}'])
def test_acknowledgements_and_notices_hold_no_event(frame: bytes) -> None:
    assert messages.parse(ChannelKind.BOOK, frame, "ETHUSDT") is None


@pytest.mark.parametrize("frame", [b'{"code":2,"msg":"Invalid request"}', b'{"error":{"code":3},"id":1}'])
def test_a_refusal_is_rejected_with_its_text(frame: bytes) -> None:
    with pytest.raises(InvalidRecord, match="refused by the venue: "):
        messages.parse(ChannelKind.BOOK, frame, "ETHUSDT")


def test_a_trade_has_the_takers_side_and_its_own_time() -> None:
    frame = b'{"e":"trade","E":9,"s":"ETHUSDT","t":7,"p":"2.5","q":"0.1","T":8,"m":true,"M":true}'
    assert messages.parse(ChannelKind.TRADES, frame, "ETHUSDT") == [("trade", 7, "7", 8, 2.5, 0.1, False)]


def test_a_trade_of_another_symbol_is_rejected() -> None:
    frame = b'{"e":"aggTrade","s":"BTCUSDT","a":7,"p":"2.5","q":"0.1","T":8,"m":true}'
    with pytest.raises(InvalidRecord, match="expected symbol ETHUSDT, got BTCUSDT"):
        messages.parse(ChannelKind.TRADES, frame, "ETHUSDT")


def test_a_trade_without_the_id_of_its_stream_is_rejected() -> None:
    frame = b'{"e":"aggTrade","s":"ETHUSDT","t":7,"p":"2.5","q":"0.1","T":8,"m":true}'
    with pytest.raises(InvalidRecord, match="expected an id on aggTrade, got none"):
        messages.parse(ChannelKind.TRADES, frame, "ETHUSDT")


MARKET = {"e": "trade", "E": 1, "T": 1, "s": "BTCUSDT", "t": 7, "p": "100", "q": "0.5", "X": "MARKET", "m": True}
NOT_TRADES = [
    MARKET | {"X": "NA", "p": "0", "q": "0"},
    MARKET | {"X": "INSURANCE_FUND"},
    MARKET | {"X": "ADL"},
    {"e": "aggTrade", "E": 1, "T": 1, "s": "BTCUSDT", "a": 8, "p": "100", "q": "0.000", "m": True},
]


@pytest.mark.parametrize("trade", NOT_TRADES)
def test_marks_that_are_not_trades_are_ignored(trade: dict[str, Any]) -> None:
    batch = build_batch(
        "binance_usdm", *(envelope("binance_usdm", {"data": each}, each["e"]) for each in (MARKET, trade))
    )
    assert (batch.counts.trades, batch.counts.ignored, batch.rejects) == (1, 1, [])


@pytest.mark.parametrize("execution", ["MARKET", "", None])
def test_executions_of_the_market_are_trades(execution: str | None) -> None:
    batch = build_batch("binance_usdm", envelope("binance_usdm", {"data": MARKET | {"X": execution}}, "trade"))
    assert (batch.counts.trades, batch.rejects) == (1, [])


@pytest.mark.parametrize("execution", ["LIQUIDATION", "na"])
def test_an_execution_that_is_not_known_is_rejected_by_name(execution: str) -> None:
    batch = build_batch("binance_usdm", envelope("binance_usdm", {"data": MARKET | {"X": execution}}, "trade"))
    assert batch.counts.trades == 0
    assert reject_reasons(batch) == [
        f"expected an execution (X) of MARKET, ADL, INSURANCE_FUND or NA, got {execution!r}"
    ]


def test_a_trade_without_a_price_is_rejected() -> None:
    batch = build_batch("binance_usdm", envelope("binance_usdm", {"data": MARKET | {"p": "0"}}, "trade"))
    assert reject_reasons(batch) == ["expected a price above 0 on a trade, got 0"]


def test_fillers_of_a_recording_are_no_trades() -> None:
    rebuild = Rebuild(BookConfig())
    list(rebuild.records(Recording(case_path("02-usdm-na-trade.jsonl"), "binance_usdm")))
    counts = rebuild.books["binance_usdm:BTCUSDT"].counts
    assert (counts.trades, counts.ignored, counts.rejected) == (2, 2, 0)
