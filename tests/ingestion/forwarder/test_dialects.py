import json

import pytest

from ingestion.forwarder.dialects import DIALECTS, Accepted, Answer, Leaving, Refused, Stream
from ingestion.forwarder.dialects.deribit import stream_of, wire_name
from ingestion.forwarder.dialects.dialect import batches

BINANCE, USDM, KRAKEN, DERIBIT = (DIALECTS[venue] for venue in ("binance", "binance_usdm", "kraken", "deribit"))
BTC = Stream("book.25", "BTC/USD")


def test_binance_subscribes_in_lower_case() -> None:
    asked = BINANCE.subscribe([Stream("depth@100ms", "BTCUSDT"), Stream("bookTicker", "BTCUSDT")], 1)
    assert json.loads(asked) == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@depth@100ms", "btcusdt@bookTicker"],
        "id": 1,
    }


@pytest.mark.parametrize(
    ("channel", "path"),
    [("depth@100ms", "/public/stream"), ("bookTicker", "/public/stream"), ("aggTrade", "/market/stream")],
)
def test_usdm_asks_each_channel_on_the_base_that_serves_it(channel: str, path: str) -> None:
    assert USDM.path(channel) == path


@pytest.mark.parametrize(
    ("frame", "reply"),
    [
        (b'{"result":null,"id":7}', Accepted(7)),
        (b'{"id":7,"error":{"code":2,"msg":"Invalid request"}}', Refused(7, '{"code":2,"msg":"Invalid request"}')),
        (b'{"code":3,"msg":"Invalid JSON"}', Refused(None, "3 Invalid JSON")),
        (b'{"e":"serverShutdown","E":1}', Leaving("serverShutdown")),
        (b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}', Leaving("serverShutdown")),
    ],
)
def test_what_binance_replies(frame: bytes, reply: object) -> None:
    assert BINANCE.hear(frame) == reply


def test_kraken_repeats_the_depth_when_it_unsubscribes() -> None:
    assert json.loads(KRAKEN.unsubscribe([BTC], 2)) == {
        "method": "unsubscribe",
        "params": {"channel": "book", "symbol": ["BTC/USD"], "depth": 25},
        "req_id": 2,
    }


def test_kraken_acknowledges_one_symbol_at_a_time() -> None:
    frame = (
        b'{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},'
        b'"success":true,"req_id":1}'
    )
    assert KRAKEN.hear(frame) == Accepted(1, frozenset([BTC]), last=False)


def test_kraken_refuses_a_pair_for_good_and_a_flood_for_now() -> None:
    bad = b'{"error":"Currency pair not supported X/Y","method":"subscribe","req_id":1,"success":false,"symbol":"X/Y"}'
    flood = b'{"error":"Exceeded msg rate limit","method":"subscribe","req_id":1,"success":false}'
    refused = Refused(1, "Currency pair not supported X/Y", frozenset([Stream("", "X/Y")]))
    assert KRAKEN.hear(bad) == refused
    assert KRAKEN.hear(flood) == Refused(1, "Exceeded msg rate limit", fatal=False)


def test_binance_refuses_for_good_or_for_now() -> None:
    bad, busy = (
        b'{"error":{"code":2,"msg":"%s"},"id":3}' % said for said in (b"Invalid request", b"Service unavailable")
    )
    assert BINANCE.hear(bad) == Refused(3, '{"code":2,"msg":"Invalid request"}')
    assert BINANCE.hear(busy) == Refused(3, '{"code":2,"msg":"Service unavailable"}', fatal=False)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (Stream("book.100ms", "BTC-PERPETUAL"), "book.BTC-PERPETUAL.100ms"),
        (Stream("ticker.100ms", "BTC-27NOV26-73000-P"), "ticker.BTC-27NOV26-73000-P.100ms"),
        (Stream("index", "btc_usd"), "deribit_price_index.btc_usd"),
        (Stream("trades.raw", "XRP_USDC-30JUN23-0d625-C"), "trades.XRP_USDC-30JUN23-0d625-C.raw"),
    ],
)
def test_deribit_names_a_stream_and_back(stream: Stream, name: str) -> None:
    assert (wire_name(stream), stream_of(name)) == (name, stream)


def test_deribit_answers_a_test_request() -> None:
    reply = DERIBIT.hear(b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}')
    assert isinstance(reply, Answer)
    assert json.loads(reply.text)["method"] == "public/test"


def test_deribit_lists_what_it_accepted() -> None:
    frame = b'{"jsonrpc":"2.0","id":3,"result":["book.BTC-PERPETUAL.100ms"],"usIn":1,"usOut":2,"usDiff":1}'
    assert DERIBIT.hear(frame) == Accepted(3, frozenset([Stream("book.100ms", "BTC-PERPETUAL")]))


def test_deribit_refuses_raw_without_a_key_for_good_and_too_many_requests_for_now() -> None:
    raw = b'{"id":1,"error":{"code":13778,"message":"raw_subscriptions_not_available_for_unauthorized"}}'
    many = b'{"id":1,"error":{"code":10028,"message":"too_many_requests"}}'
    assert DERIBIT.hear(raw) == Refused(1, "13778 raw_subscriptions_not_available_for_unauthorized")
    assert DERIBIT.hear(many) == Refused(1, "10028 too_many_requests", fatal=False)


def test_requests_are_cut_to_size_and_never_mix_channels() -> None:
    streams = [Stream(channel, f"S{number}") for number in range(5) for channel in ("book.25", "trade")]
    assert [len(batch) for batch in batches(streams, 2)] == [2, 2, 1, 2, 2, 1]
    assert all(len({stream.channel for stream in batch}) == 1 for batch in batches(streams, 2))


@pytest.mark.parametrize("venue", DIALECTS)
def test_the_usual_channels_are_known_to_the_venue(venue: str) -> None:
    dialect = DIALECTS[venue]
    assert all(map(dialect.channel_check, dialect.channels))
    assert not dialect.channel_check("nonsense")
