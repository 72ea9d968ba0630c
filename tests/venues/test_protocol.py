"""Protocols of the venues: requests and replies."""

import json

import pytest

from venues.deribit.protocol import stream_of, wire_name
from venues.protocol import Accepted, ClosingNotice, Pong, Refused, Stream, batches
from venues.registry import VENUES

BINANCE, USDM, KRAKEN, DERIBIT = (VENUES[venue].protocol for venue in ("binance", "binance_usdm", "kraken", "deribit"))
BTC = Stream("book.25", "BTC/USD")


def test_binance_subscribes_in_lower_case() -> None:
    request = BINANCE.subscribe([Stream("depth@100ms", "BTCUSDT"), Stream("bookTicker", "BTCUSDT")], 1)
    assert json.loads(request) == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@depth@100ms", "btcusdt@bookTicker"],
        "id": 1,
    }


@pytest.mark.parametrize(
    ("channel", "path"),
    [("depth@100ms", "/public/stream"), ("bookTicker", "/public/stream"), ("aggTrade", "/market/stream")],
)
def test_usdm_subscribes_each_channel_under_the_path_that_serves_it(channel: str, path: str) -> None:
    assert USDM.path(channel) == path


@pytest.mark.parametrize(
    ("frame", "reply"),
    [
        (b'{"result":null,"id":7}', Accepted(7)),
        (b'{"id":7,"error":{"code":2,"msg":"Invalid request"}}', Refused(7, '{"code":2,"msg":"Invalid request"}')),
        (b'{"code":3,"msg":"Invalid JSON"}', Refused(None, "3 Invalid JSON")),
        (b'{"e":"serverShutdown","E":1}', ClosingNotice("serverShutdown")),
        (b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', ClosingNotice("serverShutdown")),
    ],
)
def test_binances_replies_are_read(frame: bytes, reply: object) -> None:
    assert BINANCE.parse_reply(frame) == reply


def test_kraken_repeats_the_depth_when_it_unsubscribes() -> None:
    assert json.loads(KRAKEN.unsubscribe([BTC], 2)) == {
        "method": "unsubscribe",
        "params": {"channel": "book", "symbol": ["BTC/USD"], "depth": 25},
        "req_id": 2,
    }


def test_kraken_acknowledges_each_symbol() -> None:
    frame = (
        b'{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},'
        b'"success":true,"req_id":1}'
    )
    assert KRAKEN.parse_reply(frame) == Accepted(1, frozenset([BTC]), last=False)


def test_krakens_refusal_of_a_pair_is_fatal_and_of_a_flood_transient() -> None:
    bad = b'{"error":"Currency pair not supported X/Y","method":"subscribe","req_id":1,"success":false,"symbol":"X/Y"}'
    flood = b'{"error":"Exceeded msg rate limit","method":"subscribe","req_id":1,"success":false}'
    refused = Refused(1, "Currency pair not supported X/Y", frozenset([Stream("", "X/Y")]))
    assert KRAKEN.parse_reply(bad) == refused
    assert KRAKEN.parse_reply(flood) == Refused(1, "Exceeded msg rate limit", fatal=False)


def test_binances_refusals_are_fatal_or_transient() -> None:
    bad, busy = (
        b'{"error":{"code":2,"msg":"%s"},"id":3}' % text for text in (b"Invalid request", b"Service unavailable")
    )
    assert BINANCE.parse_reply(bad) == Refused(3, '{"code":2,"msg":"Invalid request"}')
    assert BINANCE.parse_reply(busy) == Refused(3, '{"code":2,"msg":"Service unavailable"}', fatal=False)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (Stream("book.100ms", "BTC-PERPETUAL"), "book.BTC-PERPETUAL.100ms"),
        (Stream("ticker.100ms", "BTC-27NOV26-73000-P"), "ticker.BTC-27NOV26-73000-P.100ms"),
        (Stream("index", "btc_usd"), "deribit_price_index.btc_usd"),
        (Stream("trades.raw", "XRP_USDC-30JUN23-0d625-C"), "trades.XRP_USDC-30JUN23-0d625-C.raw"),
    ],
)
def test_a_stream_has_one_name_at_deribit(stream: Stream, name: str) -> None:
    assert (wire_name(stream), stream_of(name)) == (name, stream)


def test_a_test_request_of_deribit_is_a_ping() -> None:
    reply = DERIBIT.parse_reply(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}')
    assert isinstance(reply, Pong)
    assert json.loads(reply.text)["method"] == "public/test"


def test_deribit_names_the_accepted_channels() -> None:
    frame = b'{"jsonrpc":"2.0","id":3,"result":["book.BTC-PERPETUAL.100ms"],"usIn":1,"usOut":2,"usDiff":1}'
    assert DERIBIT.parse_reply(frame) == Accepted(3, frozenset([Stream("book.100ms", "BTC-PERPETUAL")]))


def test_deribits_refusal_of_raw_is_fatal_and_of_too_many_requests_transient() -> None:
    raw = b'{"id":1,"error":{"code":13778,"message":"raw_subscriptions_not_available_for_unauthorized"}}'
    many = b'{"id":1,"error":{"code":10028,"message":"too_many_requests"}}'
    assert DERIBIT.parse_reply(raw) == Refused(1, "13778 raw_subscriptions_not_available_for_unauthorized")
    assert DERIBIT.parse_reply(many) == Refused(1, "10028 too_many_requests", fatal=False)


def test_requests_are_limited_in_size_and_have_one_channel() -> None:
    streams = [Stream(channel, f"S{number}") for number in range(5) for channel in ("book.25", "trade")]
    assert [len(batch) for batch in batches(streams, 2)] == [2, 2, 1, 2, 2, 1]
    assert all(len({stream.channel for stream in batch}) == 1 for batch in batches(streams, 2))


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_has_its_default_channels(venue: str) -> None:
    protocol = VENUES[venue].protocol
    assert all(map(protocol.has_channel, protocol.channels))
    assert not protocol.has_channel("nonsense")
