"""What each venue's labeller reads off a frame; frames as in `venues.md`."""

import msgspec
import pytest

from ingestion.labels import Label, UnlabelledError, labeller

BINANCE = [
    (
        Label("depth@100ms", "NKNUSDT", 1633998512068000),
        '{"stream":"nknusdt@depth@100ms","data":{"e":"depthUpdate","E":1633998512068,"s":"NKNUSDT","U":1,"u":2,"b":[],"a":[]}}',
    ),
    (
        Label("depth", "NKNUSDT", 1633998512068000),
        '{"e":"depthUpdate","E":1633998512068,"s":"NKNUSDT","U":1,"u":2,"b":[],"a":[]}',
    ),
    (
        Label("bookTicker", "NKNUSDT"),
        '{"stream":"nknusdt@bookTicker","data":{"u":4,"s":"NKNUSDT","b":"1","B":"2","a":"3","A":"4"}}',
    ),
    (Label("bookTicker", "NKNUSDT"), '{"u":4,"s":"NKNUSDT","b":"1","B":"2","a":"3","A":"4"}'),
    (
        Label("aggTrade", "NKNUSDT", 7000),
        '{"stream":"nknusdt@aggTrade","data":{"e":"aggTrade","E":7,"s":"NKNUSDT","a":1}}',
    ),
    (Label("depth20", "NKNUSDT"), '{"stream":"nknusdt@depth20","data":{"lastUpdateId":4,"bids":[],"asks":[]}}'),
    (Label("snapshot", "", 9000), '{"lastUpdateId":4,"E":9,"T":8,"bids":[],"asks":[]}'),
    (
        Label("kline_1m", "NKNUSDT", 7000, kept=False),
        '{"stream":"nknusdt@kline_1m","data":{"e":"kline","E":7,"s":"NKNUSDT"}}',
    ),
    (Label("serverShutdown", "", 7000, kept=False), '{"e":"serverShutdown","E":7}'),
    (Label("ack", kept=False), '{"result":null,"id":1}'),
    (Label("error", kept=False), '{"error":{"code":2,"msg":"Invalid request"},"id":1}'),
]
KRAKEN = [
    (Label("heartbeat", kept=False), '{"channel":"heartbeat"}'),
    (
        Label("status", kept=False),
        '{"channel":"status","type":"update","data":[{"connection_id":11278572044473960836}]}',
    ),
    (Label("pong", kept=False), '{"method":"pong","req_id":1}'),
    (
        Label("trade", "BTC/USD", 1785649419154709),
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","timestamp":"2026-08-02T05:43:39.154709Z"}]}',
    ),
]
DERIBIT = [
    (Label("ack", kept=False), '{"jsonrpc":"2.0","id":1,"result":["book.BTC-PERPETUAL.100ms"]}'),
    (Label("heartbeat", kept=False), '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}'),
    (Label("error", kept=False), '{"jsonrpc":"2.0","id":1,"error":{"code":13778}}'),
    (
        Label("book.100ms", "BTC-PERPETUAL", 5000),
        '{"method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"timestamp":5}}}',
    ),
    (
        Label("book.none.10.100ms", "BTC-PERPETUAL", 5000),
        '{"method":"subscription","params":{"channel":"book.BTC-PERPETUAL.none.10.100ms","data":{"timestamp":5}}}',
    ),
    (
        Label("trades.raw", "BTC-PERPETUAL", 5000),
        '{"method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"timestamp":5}]}}',
    ),
    (
        Label("ticker.100ms", "BTC-9JUN20-9875-P", 5000),
        '{"method":"subscription","params":{"channel":"ticker.BTC-9JUN20-9875-P.100ms","data":{"timestamp":5}}}',
    ),
    (
        Label("index", "btc_usd", 5000),
        '{"method":"subscription","params":{"channel":"deribit_price_index.btc_usd","data":{"timestamp":5}}}',
    ),
    (
        Label("markprice.options", "btc_usd", 5000),
        '{"method":"subscription","params":{"channel":"markprice.options.btc_usd","data":[{"timestamp":5}]}}',
    ),
    (Label("book_summary", "BTC", 7), '{"result":[{"instrument_name":"BTC-9JUN20-9875-P","mark_iv":3}],"usOut":7}'),
    (
        Label("instrument", "SOL", 7),
        '{"result":[{"instrument_name":"SOL-9JUN20-9-P","expiration_timestamp":3}],"usOut":7}',
    ),
]
CASES = [
    pytest.param(venue, frame, label, id=f"{venue}-{label.channel}-{number}")
    for venue, frames in (("binance", BINANCE), ("kraken", KRAKEN), ("deribit", DERIBIT))
    for number, (label, frame) in enumerate(frames)
]


@pytest.mark.parametrize(("venue", "frame", "label"), CASES)
def test_a_frame_gets_its_label(venue: str, frame: str, label: Label) -> None:
    assert labeller(venue)(frame.encode()) == label


BOOK = '{"channel":"book","type":"%s","data":[{"symbol":"BTC/USD","bids":[%s],"asks":[]}]}'
ACK = '{"method":"subscribe","result":{"channel":"book","depth":100,"symbol":"BTC/USD"},"success":true}'
LEVEL = '{"price":1.0,"qty":1.0}'


def test_krakens_depth_is_the_one_that_was_acknowledged() -> None:
    label = labeller("kraken")
    assert label(ACK.encode()) == Label("ack", kept=False)
    assert label((BOOK % ("update", LEVEL)).encode()).channel == "book.100"


def test_without_an_acknowledgement_krakens_depth_is_the_least_that_holds_the_snapshot() -> None:
    label = labeller("kraken")
    assert label((BOOK % ("snapshot", ",".join([LEVEL] * 11))).encode()).channel == "book.25"
    assert label((BOOK % ("update", LEVEL)).encode()).channel == "book.25"
    assert labeller("kraken")((BOOK % ("update", LEVEL)).encode()).channel == "book.10"


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "kraken", "deribit"])
def test_json_that_no_venue_sends_is_refused(venue: str) -> None:
    with pytest.raises(UnlabelledError, match="neither an? .* of (Binance|Kraken v2|Deribit)"):
        labeller(venue)(b'{"hello":1}')


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "kraken", "deribit"])
@pytest.mark.parametrize("frame", [b"", b"{", b"[1]", b'{"stream":3,"channel":3,"method":3}', b"\xff"])
def test_what_is_not_such_json_is_refused(venue: str, frame: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        labeller(venue)(frame)
