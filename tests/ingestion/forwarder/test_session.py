import json
from dataclasses import replace

import msgspec
import pytest

from ingestion.forwarder.dialects import DIALECTS, Stream
from ingestion.forwarder.ledger import Ledger
from ingestion.forwarder.session import Patience, Session
from ingestion.forwarder.subscriptions import FatalRefusal, SessionEnd
from market.records import Envelope

OPEN = 1_000.0
PATIENCE = Patience(silence_s=30, data_silence_s=60, answer_s=10)
RECV_US = 1_767_225_600_000_000
BOOK, TRADES = Stream("depth@100ms", "BTCUSDT"), Stream("aggTrade", "BTCUSDT")
KRAKEN_BOOK, KRAKEN_ETH = Stream("book.25", "BTC/USD"), Stream("book.25", "ETH/USD")
UPDATE = b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}}'


def opened(venue: str, *streams: Stream) -> Session:
    """A session of which everything that `open` asked for was sent."""
    session = Session(DIALECTS[venue], streams, "c0", Ledger(venue), OPEN)
    session.open()
    send_all(session)
    return session


def send_all(session: Session, now: float = OPEN) -> list[dict[str, object]]:
    sent = []
    while session.outbox:
        number, text = session.outbox.popleft()
        session.streams.sent(number, now)
        sent.append(json.loads(text))
    return sent


def hear(session: Session, frame: bytes, now: float = OPEN) -> Envelope | None:
    return session.hear(frame, RECV_US, now)


def kraken_ack(method: str, symbol: str, number: int) -> bytes:
    result = {"channel": "book", "depth": 25, "symbol": symbol}
    return json.dumps({"method": method, "result": result, "success": True, "req_id": number}).encode()


def test_a_frame_goes_on_verbatim_stamped_and_counted() -> None:
    session = opened("binance", BOOK)
    hear(session, b'{"result":null,"id":2}')
    first, second = hear(session, UPDATE), hear(session, UPDATE)
    assert first is not None and second is not None
    assert (first.channel, first.symbol, first.conn, first.recv_us) == ("depth@100ms", "BTCUSDT", "c0", RECV_US)
    assert bytes(msgspec.Raw(first.frame)) == UPDATE  # type: ignore[arg-type]
    assert (first.seq, second.seq) == (0, 1)


def test_acknowledgements_are_not_forwarded_and_make_streams_live() -> None:
    session = opened("binance", BOOK, TRADES)
    assert not session.streams.complete
    assert hear(session, b'{"result":null,"id":2}') is None
    assert session.streams.live == {BOOK}
    assert hear(session, b'{"result":null,"id":3}') is None
    assert session.streams.complete and session.streams.granted == [BOOK, TRADES]


def test_deribit_asks_for_heartbeats_first_and_answers_test_requests_before_all_else() -> None:
    session = Session(DIALECTS["deribit"], [Stream("book.100ms", "BTC-PERPETUAL")], "c0", Ledger("deribit"), OPEN)
    session.open()
    hear(session, b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}')
    methods = [request["method"] for request in send_all(session)]
    assert methods == ["public/test", "public/set_heartbeat", "public/subscribe"]


def test_silence_of_the_venue_ends_the_connection() -> None:
    session = opened("binance", BOOK)
    hear(session, UPDATE, OPEN + 5)
    session.tick(OPEN + 9, PATIENCE)
    with pytest.raises(SessionEnd, match=r"no message for 31\.0 s"):
        session.tick(OPEN + 36, replace(PATIENCE, answer_s=99))


def test_heartbeats_without_data_end_the_connection() -> None:
    session = opened("kraken", KRAKEN_BOOK)
    hear(session, kraken_ack("subscribe", "BTC/USD", 2))
    for second in range(60):
        hear(session, b'{"channel":"heartbeat"}', OPEN + second)
        session.tick(OPEN + second, PATIENCE)
    hear(session, b'{"channel":"heartbeat"}', OPEN + 61)
    with pytest.raises(SessionEnd, match="acknowledged, but no market data for 61"):
        session.tick(OPEN + 61, PATIENCE)


def test_a_request_without_an_answer_ends_the_connection() -> None:
    session = opened("binance", BOOK)
    hear(session, b'{"stream":"x@kline_1m","data":{"e":"kline"}}', OPEN + 11)
    with pytest.raises(SessionEnd, match="no answer to request 2 within 10 s"):
        session.tick(OPEN + 11, PATIENCE)


def test_kraken_is_pinged() -> None:
    session = opened("kraken", KRAKEN_BOOK)
    hear(session, kraken_ack("subscribe", "BTC/USD", 2), OPEN + 29)
    session.tick(OPEN + 29, PATIENCE)
    assert send_all(session) == []
    session.tick(OPEN + 30, PATIENCE)
    assert [request["method"] for request in send_all(session)] == ["ping"]


def test_one_symbol_is_resubscribed_after_its_unsubscription_is_acknowledged() -> None:
    session = opened("kraken", KRAKEN_BOOK, KRAKEN_ETH)
    for symbol in ("BTC/USD", "ETH/USD"):
        hear(session, kraken_ack("subscribe", symbol, 2))
    session.streams.renew("BTC/USD")
    session.streams.renew("BTC/USD")
    session.tick(OPEN, PATIENCE)
    (unsubscribed,) = send_all(session)
    assert unsubscribed["method"] == "unsubscribe" and session.streams.live == {KRAKEN_ETH}
    hear(session, kraken_ack("unsubscribe", "BTC/USD", 3))
    (subscribed,) = send_all(session)
    assert subscribed["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 25, "snapshot": True}
    hear(session, kraken_ack("subscribe", "BTC/USD", 4))
    assert session.streams.complete


def test_a_resubscription_counts_frames_from_zero() -> None:
    session = opened("kraken", KRAKEN_BOOK)
    hear(session, kraken_ack("subscribe", "BTC/USD", 2))
    update = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    seqs = [hear(session, update).seq for _ in range(3)]  # type: ignore[union-attr]
    session.streams.renew("BTC/USD")
    session.tick(OPEN, PATIENCE)
    hear(session, kraken_ack("unsubscribe", "BTC/USD", 3))
    seqs.append(hear(session, update).seq)  # type: ignore[union-attr]
    assert seqs == [0, 1, 2, 0]


def test_two_hundred_books_out_of_step_share_a_few_requests() -> None:
    streams = [Stream("book.25", f"S{number}/USD") for number in range(200)]
    session = opened("kraken", *streams)
    session.streams.live.update(streams)
    for stream in streams:
        session.streams.renew(stream.symbol)
    session.tick(OPEN, PATIENCE)
    assert len(send_all(session)) == 4


def test_a_symbol_that_was_never_granted_stops_with_the_venues_words() -> None:
    session = opened("kraken", Stream("book.25", "X/Y"))
    bad = b'{"error":"Currency pair not supported X/Y","method":"subscribe","req_id":2,"success":false,"symbol":"X/Y"}'
    with pytest.raises(FatalRefusal, match=r"^kraken refuses X/Y book\.25: Currency pair not supported X/Y$"):
        hear(session, bad)


def test_a_symbol_that_was_granted_before_is_let_go_when_refused() -> None:
    session = Session(DIALECTS["kraken"], [KRAKEN_BOOK, KRAKEN_ETH], "c0", Ledger("kraken"), OPEN)
    session._ledger.stream(KRAKEN_BOOK).may_lapse = True
    session.open()
    hear(session, b'{"error":"delisted","method":"subscribe","req_id":2,"success":false,"symbol":"BTC/USD"}')
    hear(session, kraken_ack("subscribe", "ETH/USD", 2))
    assert session.streams.complete and session.symbols == ["ETH/USD"]


def test_a_request_refused_as_a_whole_lets_no_symbol_go_that_was_granted_before() -> None:
    session = opened("binance", BOOK)
    session._ledger.stream(BOOK).may_lapse = True
    with pytest.raises(SessionEnd, match="^refused as a whole: .*Invalid request"):
        hear(session, b'{"error":{"code":2,"msg":"Invalid request: no"},"id":2}')
    assert BOOK in session.streams.wanted


def test_a_channel_left_out_of_deribits_acknowledgement_was_refused() -> None:
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"), Stream("book.100ms", "NOPE"))
    with pytest.raises(FatalRefusal, match="deribit refuses NOPE book.100ms: left out of the acknowledgement"):
        hear(session, b'{"jsonrpc":"2.0","id":2,"result":["book.BTC-PERPETUAL.100ms"]}')


def test_a_refusal_for_now_ends_the_connection() -> None:
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"))
    with pytest.raises(SessionEnd, match="refused for now: 10028 too_many_requests"):
        hear(session, b'{"id":2,"error":{"code":10028,"message":"too_many_requests"}}')


def test_a_frame_that_is_not_json_goes_as_text_to_the_key_it_speaks_of() -> None:
    session = opened("binance", Stream("depth@100ms", "BTCUSDT"), Stream("aggTrade", "ETHUSDT"))
    envelope = hear(session, b'{"stream":"ethusdt@aggTrade","data":{"s":"ETHUSDT","p"}}')
    assert envelope is not None
    assert (envelope.channel, envelope.symbol) == ("aggTrade", "ETHUSDT")
    assert envelope.frame_text == '{"stream":"ethusdt@aggTrade","data":{"s":"ETHUSDT","p"}}'
    assert session._ledger.unreadable == {"ETHUSDT": 1}


def test_a_frame_that_speaks_of_no_symbol_is_not_dropped_either() -> None:
    envelope = hear(opened("binance", BOOK), b"\xff\xfe")
    assert envelope is not None and (envelope.symbol, envelope.frame_text) == ("", "\ufffd\ufffd")


def test_events_are_told_once_for_each_symbol_and_not_for_options() -> None:
    session = opened("deribit", Stream("book.100ms", "BTC-PERPETUAL"), Stream("trades.100ms", "BTC-PERPETUAL"))
    session.streams.add([Stream("ticker.100ms", "BTC-27NOV26-73000-P")])
    assert [(event.symbol, event.event) for event in session.events("connected", RECV_US)] == [
        ("BTC-PERPETUAL", "connected")
    ]


def test_a_drop_says_how_many() -> None:
    event = opened("binance", BOOK).dropped("BTCUSDT", 3, RECV_US)
    assert (event.channel, event.event, event.frames) == ("connection", "dropped", 3)


def test_farewell_unsubscribes_what_is_live() -> None:
    session = opened("binance", BOOK, TRADES)
    hear(session, b'{"result":null,"id":2}')
    assert [json.loads(text)["params"] for text in session.streams.farewell()] == [["btcusdt@depth@100ms"]]


def test_streams_come_and_go() -> None:
    session = opened("binance", BOOK)
    hear(session, b'{"result":null,"id":2}')
    session.streams.add([TRADES])
    session.streams.remove([BOOK])
    assert [request["method"] for request in send_all(session)] == ["SUBSCRIBE", "UNSUBSCRIBE"]
    assert list(session.streams.wanted) == [TRADES] and session.streams.live == set()


def test_the_notice_before_a_restart_is_kept() -> None:
    session = opened("binance", BOOK)
    hear(session, b'{"e":"serverShutdown","E":1}')
    assert session.leaving == "serverShutdown"


def test_the_end_of_a_session_leaves_no_stream_live() -> None:
    session = opened("binance", BOOK)
    hear(session, b'{"result":null,"id":2}')
    record = session._ledger.stream(BOOK)
    assert record.live == 1
    session.streams.end()
    assert (record.live, record.may_lapse) == (0, True)
