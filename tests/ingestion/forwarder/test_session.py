"""The session of one connection, without a socket."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import msgspec
import pytest

from core.records import Envelope
from ingestion.forwarder.session import Session, Timeouts
from ingestion.forwarder.stats import ForwarderStats
from ingestion.forwarder.subscriptions import FatalRefusal, SessionEnd
from venues.protocol import Stream
from venues.registry import VENUES

OPEN = 1_000.0
TIMEOUTS = Timeouts(silence_s=30, data_silence_s=60, reply_s=10)
RECV_US = 1_767_225_600_000_000
BOOK, TRADES = Stream("depth@100ms", "BTCUSDT"), Stream("aggTrade", "BTCUSDT")
KRAKEN_BOOK, KRAKEN_ETH = Stream("book.25", "BTC/USD"), Stream("book.25", "ETH/USD")
UPDATE = b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}}'


def new_session(venue: str, *streams: Stream, subscribed: list[tuple[str, Stream]] | None = None) -> Session:
    """A session that appends its id and each newly active stream to `subscribed`."""
    found = [] if subscribed is None else subscribed
    protocol, stats = VENUES[venue].protocol, ForwarderStats(venue)
    return Session(
        protocol, streams, "c0", stats, OPEN, lambda conn, active: found.extend((conn, each) for each in active)
    )


def opened(venue: str, *streams: Stream, subscribed: list[tuple[str, Stream]] | None = None) -> Session:
    """A session whose opening requests were sent."""
    session = new_session(venue, *streams, subscribed=subscribed)
    session.open()
    send_all(session)
    return session


def send_all(session: Session, now: float = OPEN) -> list[dict[str, object]]:
    sent = []
    while session.outbox:
        number, text = session.outbox.popleft()
        session.subscriptions.mark_sent(number, now)
        sent.append(json.loads(text))
    return sent


def receive(session: Session, frame: bytes, now: float = OPEN) -> Envelope | None:
    return session.on_message(frame, RECV_US, now)


def kraken_ack(method: str, symbol: str, number: int) -> bytes:
    result = {"channel": "book", "depth": 25, "symbol": symbol}
    return json.dumps({"method": method, "result": result, "success": True, "req_id": number}).encode()


def test_a_frame_is_forwarded_verbatim_with_stamp_and_number() -> None:
    session = opened("binance", BOOK)
    receive(session, b'{"result":null,"id":2}')
    first, second = receive(session, UPDATE), receive(session, UPDATE)
    assert first is not None and second is not None
    assert (first.channel, first.symbol, first.conn, first.recv_us) == ("depth@100ms", "BTCUSDT", "c0", RECV_US)
    assert bytes(msgspec.Raw(first.frame)) == UPDATE  # type: ignore[arg-type]
    assert (first.seq, second.seq) == (0, 1)


def test_acknowledgements_are_not_forwarded_and_activate_streams() -> None:
    subscribed = list[tuple[str, Stream]]()
    session = opened("binance", BOOK, TRADES, subscribed=subscribed)
    assert not session.subscriptions.complete
    assert receive(session, b'{"result":null,"id":2}') is None
    assert session.subscriptions.active == {BOOK}
    assert receive(session, b'{"result":null,"id":3}') is None
    assert session.subscriptions.complete and subscribed == [("c0", BOOK), ("c0", TRADES)]


def test_deribit_requests_heartbeats_first_and_replies_to_test_requests_before_all_else() -> None:
    session = new_session("deribit", Stream("book.100ms", "BTC-PERPETUAL"))
    session.open()
    receive(session, b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}')
    methods = [request["method"] for request in send_all(session)]
    assert methods == ["public/test", "public/set_heartbeat", "public/subscribe"]


def test_silence_ends_the_connection() -> None:
    session = opened("binance", BOOK)
    receive(session, UPDATE, OPEN + 5)
    session.tick(OPEN + 9, TIMEOUTS)
    with pytest.raises(SessionEnd, match=r"no message for 31\.0 s"):
        session.tick(OPEN + 36, replace(TIMEOUTS, reply_s=99))


def test_heartbeats_without_data_end_the_connection() -> None:
    session = opened("kraken", KRAKEN_BOOK)
    receive(session, kraken_ack("subscribe", "BTC/USD", 2))
    for second in range(60):
        receive(session, b'{"channel":"heartbeat"}', OPEN + second)
        session.tick(OPEN + second, TIMEOUTS)
    receive(session, b'{"channel":"heartbeat"}', OPEN + 61)
    with pytest.raises(SessionEnd, match="acknowledged, but no market data for 61"):
        session.tick(OPEN + 61, TIMEOUTS)


def test_a_request_without_a_reply_ends_the_connection() -> None:
    session = opened("binance", BOOK)
    receive(session, b'{"stream":"x@kline_1m","data":{"e":"kline"}}', OPEN + 11)
    with pytest.raises(SessionEnd, match="no reply to request 2 within 10 s"):
        session.tick(OPEN + 11, TIMEOUTS)


def test_kraken_is_pinged() -> None:
    session = opened("kraken", KRAKEN_BOOK)
    receive(session, kraken_ack("subscribe", "BTC/USD", 2), OPEN + 29)
    session.tick(OPEN + 29, TIMEOUTS)
    assert send_all(session) == []
    session.tick(OPEN + 30, TIMEOUTS)
    assert [request["method"] for request in send_all(session)] == ["ping"]


def test_one_symbol_is_resubscribed_after_its_unsubscription_is_acknowledged() -> None:
    session = opened("kraken", KRAKEN_BOOK, KRAKEN_ETH)
    for symbol in ("BTC/USD", "ETH/USD"):
        receive(session, kraken_ack("subscribe", symbol, 2))
    session.subscriptions.resubscribe("BTC/USD")
    session.subscriptions.resubscribe("BTC/USD")
    session.tick(OPEN, TIMEOUTS)
    (unsubscribed,) = send_all(session)
    assert unsubscribed["method"] == "unsubscribe" and session.subscriptions.active == {KRAKEN_ETH}
    receive(session, kraken_ack("unsubscribe", "BTC/USD", 3))
    (subscribed,) = send_all(session)
    assert subscribed["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 25, "snapshot": True}
    receive(session, kraken_ack("subscribe", "BTC/USD", 4))
    assert session.subscriptions.complete


def test_a_resubscription_counts_frames_from_zero() -> None:
    session = opened("kraken", KRAKEN_BOOK)
    receive(session, kraken_ack("subscribe", "BTC/USD", 2))
    update = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    seqs = [receive(session, update).seq for _ in range(3)]  # type: ignore[union-attr]
    session.subscriptions.resubscribe("BTC/USD")
    session.tick(OPEN, TIMEOUTS)
    receive(session, kraken_ack("unsubscribe", "BTC/USD", 3))
    seqs.append(receive(session, update).seq)  # type: ignore[union-attr]
    assert seqs == [0, 1, 2, 0]


def test_resubscriptions_of_two_hundred_books_share_a_few_requests() -> None:
    streams = [Stream("book.25", f"S{number}/USD") for number in range(200)]
    session = opened("kraken", *streams)
    session.subscriptions.active.update(streams)
    for stream in streams:
        session.subscriptions.resubscribe(stream.symbol)
    session.tick(OPEN, TIMEOUTS)
    assert len(send_all(session)) == 4


def test_a_refused_new_symbol_stops_with_the_venues_words() -> None:
    session = opened("kraken", Stream("book.25", "X/Y"))
    bad = b'{"error":"Currency pair not supported X/Y","method":"subscribe","req_id":2,"success":false,"symbol":"X/Y"}'
    with pytest.raises(FatalRefusal, match=r"^kraken refuses X/Y book\.25: Currency pair not supported X/Y$"):
        receive(session, bad)


def test_a_refused_symbol_that_was_accepted_before_is_removed() -> None:
    session = new_session("kraken", KRAKEN_BOOK, KRAKEN_ETH)
    session._stats.stream(KRAKEN_BOOK).optional = True
    session.open()
    receive(session, b'{"error":"delisted","method":"subscribe","req_id":2,"success":false,"symbol":"BTC/USD"}')
    receive(session, kraken_ack("subscribe", "ETH/USD", 2))
    assert session.subscriptions.complete and session.symbols == ["ETH/USD"]


def test_a_request_refused_as_a_whole_removes_no_symbol_that_was_accepted_before() -> None:
    session = opened("binance", BOOK)
    session._stats.stream(BOOK).optional = True
    with pytest.raises(SessionEnd, match="^refused as a whole: .*Invalid request"):
        receive(session, b'{"error":{"code":2,"msg":"Invalid request: no"},"id":2}')
    assert BOOK in session.subscriptions.requested


def test_a_channel_left_out_of_deribits_acknowledgement_was_refused() -> None:
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"), Stream("book.100ms", "NOPE"))
    with pytest.raises(FatalRefusal, match="deribit refuses NOPE book.100ms: left out of the acknowledgement"):
        receive(session, b'{"jsonrpc":"2.0","id":2,"result":["book.BTC-PERPETUAL.100ms"]}')


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ('"result":["ticker.BTC-27NOV26-73000-P.100ms"]', nullcontext()),
        ('"result":[]', nullcontext()),
        # The other option is still requested.
        ('"error":{"code":11050,"message":"no"}', pytest.raises(SessionEnd, match="^refused as a whole: 11050 no")),
    ],
)
def test_an_option_that_expires_before_its_subscription_is_answered_stops_nothing(
    reply: str, expected: AbstractContextManager[object]
) -> None:
    expired, listed = (Stream("ticker.100ms", f"BTC-27NOV26-{strike}-P") for strike in (72_000, 73_000))
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"))
    receive(session, b'{"jsonrpc":"2.0","id":2,"result":["book.BTC-PERPETUAL.100ms"]}')
    stats = session._stats
    for stream in (expired, listed):
        stats.stream(stream).optional = True
    session.subscriptions.add([expired, listed])
    session.subscriptions.remove([expired])
    stats.remove(frozenset((expired,)))  # as the pool does
    subscribed, _ = send_all(session)
    with expected:
        receive(session, f'{{"jsonrpc":"2.0","id":{subscribed["id"]},{reply}}}'.encode())
    assert expired not in stats.streams and expired not in session.subscriptions.requested


def test_a_channel_that_deribit_has_lost_is_subscribed_again() -> None:
    lost = Stream("book.100ms", "BTC-PERPETUAL")
    session = opened("deribit", lost)
    receive(session, b'{"jsonrpc":"2.0","id":2,"result":["book.BTC-PERPETUAL.100ms"]}')
    session.subscriptions.resubscribe("BTC-PERPETUAL")
    session.tick(OPEN, TIMEOUTS)
    (unsubscribed,) = send_all(session)
    receive(session, json.dumps({"jsonrpc": "2.0", "id": unsubscribed["id"], "result": []}).encode())
    (subscribed,) = send_all(session)
    assert subscribed["method"] == "public/subscribe" and not session.subscriptions.complete
    reply = {"jsonrpc": "2.0", "id": subscribed["id"], "result": ["book.BTC-PERPETUAL.100ms"]}
    receive(session, json.dumps(reply).encode())
    assert session.subscriptions.active == {lost}


def test_a_temporary_refusal_ends_the_connection() -> None:
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"))
    with pytest.raises(SessionEnd, match="refused temporarily: 10028 too_many_requests"):
        receive(session, b'{"id":2,"error":{"code":10028,"message":"too_many_requests"}}')


def test_a_frame_that_is_not_json_is_forwarded_as_text_under_the_symbol_it_contains() -> None:
    session = opened("binance", Stream("depth@100ms", "BTCUSDT"), Stream("aggTrade", "ETHUSDT"))
    envelope = receive(session, b'{"stream":"ethusdt@aggTrade","data":{"s":"ETHUSDT","p"}}')
    assert envelope is not None
    assert (envelope.channel, envelope.symbol) == ("aggTrade", "ETHUSDT")
    assert envelope.frame_text == '{"stream":"ethusdt@aggTrade","data":{"s":"ETHUSDT","p"}}'
    assert session._stats.invalid_frames == {"ETHUSDT": 1}


def test_a_frame_that_contains_no_symbol_is_forwarded_too() -> None:
    envelope = receive(opened("binance", BOOK), b"\xff\xfe")
    assert envelope is not None and (envelope.symbol, envelope.frame_text) == ("", "\ufffd\ufffd")


def test_events_are_written_once_per_symbol_and_not_for_options() -> None:
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"), Stream("trades.100ms", "BTC-PERPETUAL"))
    session.subscriptions.add([Stream("ticker.100ms", "BTC-27NOV26-73000-P")])
    assert [(event.symbol, event.event) for event in session.connection_events("connected", RECV_US)] == [
        ("BTC-PERPETUAL", "connected")
    ]


def test_a_dropped_event_contains_the_number_of_frames() -> None:
    event = opened("binance", BOOK).dropped_event("BTCUSDT", 3, RECV_US)
    assert (event.channel, event.event, event.frames) == ("connection", "dropped", 3)


def test_a_stop_unsubscribes_active_streams() -> None:
    session = opened("binance", BOOK, TRADES)
    receive(session, b'{"result":null,"id":2}')
    assert [json.loads(text)["params"] for text in session.subscriptions.unsubscribe_requests()] == [
        ["btcusdt@depth@100ms"]
    ]


def test_streams_are_added_and_removed() -> None:
    session = opened("binance", BOOK)
    receive(session, b'{"result":null,"id":2}')
    session.subscriptions.add([TRADES])
    session.subscriptions.remove([BOOK])
    assert [request["method"] for request in send_all(session)] == ["SUBSCRIBE", "UNSUBSCRIBE"]
    assert list(session.subscriptions.requested) == [TRADES] and session.subscriptions.active == set()


def test_the_notice_before_a_restart_is_recorded() -> None:
    session = opened("binance", BOOK)
    receive(session, b'{"e":"serverShutdown","E":1}')
    assert session.closing_notice == "serverShutdown"


def test_a_closed_session_leaves_no_stream_active() -> None:
    session = opened("binance", BOOK)
    receive(session, b'{"result":null,"id":2}')
    stats = session._stats.stream(BOOK)
    assert stats.subscriptions == 1
    session.subscriptions.close()
    assert (stats.subscriptions, stats.optional) == (0, True)


@pytest.mark.parametrize(
    ("venue", "stream", "frame"),
    [
        ("deribit", Stream("book.100ms", "BTC-PERPETUAL"), b'{"jsonrpc":"2.0","id":9,"result":["announcements"]}'),
        (
            "kraken",
            Stream("trade", "BTC/USD"),
            b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","timestamp":"2026-08-02T05:43:39"}]}',
        ),
    ],
)
def test_an_unusable_message_is_counted_and_the_connection_goes_on(venue: str, stream: Stream, frame: bytes) -> None:
    session = opened(venue, stream)
    receive(session, frame)
    assert session._stats.invalid_frames.total() == 1
