"""Channel, symbol and time of each venue's frames, as in docs/venues/."""

import msgspec
import pytest

from venues.frame_info import FrameInfo, UnclassifiedFrame
from venues.registry import VENUES

BINANCE = [
    (
        FrameInfo("depth@100ms", "NKNUSDT", 1633998512068000),
        '{"stream":"nknusdt@depth@100ms","data":{"e":"depthUpdate","E":1633998512068,"s":"NKNUSDT","U":1,"u":2,"b":[],"a":[]}}',
    ),
    (
        FrameInfo("depth", "NKNUSDT", 1633998512068000),
        '{"e":"depthUpdate","E":1633998512068,"s":"NKNUSDT","U":1,"u":2,"b":[],"a":[]}',
    ),
    (
        FrameInfo("bookTicker", "NKNUSDT"),
        '{"stream":"nknusdt@bookTicker","data":{"u":4,"s":"NKNUSDT","b":"1","B":"2","a":"3","A":"4"}}',
    ),
    (FrameInfo("bookTicker", "NKNUSDT"), '{"u":4,"s":"NKNUSDT","b":"1","B":"2","a":"3","A":"4"}'),
    (
        FrameInfo("aggTrade", "NKNUSDT", 7000),
        '{"stream":"nknusdt@aggTrade","data":{"e":"aggTrade","E":7,"s":"NKNUSDT","a":1}}',
    ),
    (FrameInfo("depth20", "NKNUSDT"), '{"stream":"nknusdt@depth20","data":{"lastUpdateId":4,"bids":[],"asks":[]}}'),
    (FrameInfo("snapshot", "", 9000), '{"lastUpdateId":4,"E":9,"T":8,"bids":[],"asks":[]}'),
    (
        FrameInfo("kline_1m", "NKNUSDT", 7000, forwarded=False),
        '{"stream":"nknusdt@kline_1m","data":{"e":"kline","E":7,"s":"NKNUSDT"}}',
    ),
    (FrameInfo("serverShutdown", "", 7000, forwarded=False), '{"e":"serverShutdown","E":7}'),
    (FrameInfo("ack", forwarded=False), '{"result":null,"id":1}'),
    (FrameInfo("error", forwarded=False), '{"error":{"code":2,"msg":"Invalid request"},"id":1}'),
]
KRAKEN = [
    (FrameInfo("heartbeat", forwarded=False), '{"channel":"heartbeat"}'),
    (
        FrameInfo("status", forwarded=False),
        '{"channel":"status","type":"update","data":[{"connection_id":11278572044473960836}]}',
    ),
    (FrameInfo("pong", forwarded=False), '{"method":"pong","req_id":1}'),
    (
        FrameInfo("trade", "BTC/USD", 1785649419154709),
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","timestamp":"2026-08-02T05:43:39.154709Z"}]}',
    ),
]
DERIBIT = [
    (FrameInfo("ack", forwarded=False), '{"jsonrpc":"2.0","id":1,"result":["book.BTC-PERPETUAL.100ms"]}'),
    (
        FrameInfo("heartbeat", forwarded=False),
        '{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}',
    ),
    (FrameInfo("error", forwarded=False), '{"jsonrpc":"2.0","id":1,"error":{"code":13778}}'),
    (
        FrameInfo("book.100ms", "BTC-PERPETUAL", 5000),
        '{"method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"timestamp":5}}}',
    ),
    (
        FrameInfo("book.none.10.100ms", "BTC-PERPETUAL", 5000),
        '{"method":"subscription","params":{"channel":"book.BTC-PERPETUAL.none.10.100ms","data":{"timestamp":5}}}',
    ),
    (
        FrameInfo("trades.raw", "BTC-PERPETUAL", 5000),
        '{"method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"timestamp":5}]}}',
    ),
    (
        FrameInfo("ticker.100ms", "BTC-9JUN20-9875-P", 5000),
        '{"method":"subscription","params":{"channel":"ticker.BTC-9JUN20-9875-P.100ms","data":{"timestamp":5}}}',
    ),
    (
        FrameInfo("index", "btc_usd", 5000),
        '{"method":"subscription","params":{"channel":"deribit_price_index.btc_usd","data":{"timestamp":5}}}',
    ),
    (
        FrameInfo("markprice.options", "btc_usd", 5000),
        '{"method":"subscription","params":{"channel":"markprice.options.btc_usd","data":[{"timestamp":5}]}}',
    ),
    (FrameInfo("book_summary", "BTC", 7), '{"result":[{"instrument_name":"BTC-9JUN20-9875-P","mark_iv":3}],"usOut":7}'),
    (
        FrameInfo("book_summary", "BTC", 7),
        '{"result":[7,{"instrument_name":null},{"instrument_name":"BTC-9JUN20-9875-P","quote_currency":5}],"usOut":7}',
    ),
    (
        FrameInfo("instrument", "SOL", 7),
        '{"result":[{"instrument_name":"SOL-9JUN20-9-P","expiration_timestamp":3}],"usOut":7}',
    ),
]
CASES = [
    pytest.param(venue, frame, info, id=f"{venue}-{info.channel}-{number}")
    for venue, frames in (("binance", BINANCE), ("kraken", KRAKEN), ("deribit", DERIBIT))
    for number, (info, frame) in enumerate(frames)
]


@pytest.mark.parametrize(("venue", "frame", "info"), CASES)
def test_a_frame_is_classified(venue: str, frame: str, info: FrameInfo) -> None:
    assert VENUES[venue].open_classifier()(frame.encode()) == info


BOOK = '{"channel":"book","type":"%s","data":[{"symbol":"BTC/USD","bids":[%s],"asks":[]}]}'
ACK = '{"method":"subscribe","result":{"channel":"book","depth":100,"symbol":"BTC/USD"},"success":true}'
LEVEL = '{"price":1.0,"qty":1.0}'


def test_krakens_depth_is_the_acknowledged_one() -> None:
    classify = VENUES["kraken"].open_classifier()
    assert classify(ACK.encode()) == FrameInfo("ack", forwarded=False)
    assert classify((BOOK % ("update", LEVEL)).encode()).channel == "book.100"


def test_without_an_acknowledgement_a_thin_book_of_kraken_is_not_cut() -> None:
    classify = VENUES["kraken"].open_classifier()
    assert classify((BOOK % ("snapshot", ",".join([LEVEL] * 11))).encode()).channel == "book.1000"
    assert classify((BOOK % ("update", LEVEL)).encode()).channel == "book.1000"
    full = VENUES["kraken"].open_classifier()
    assert full((BOOK % ("snapshot", ",".join([LEVEL] * 25))).encode()).channel == "book.25"
    assert VENUES["kraken"].open_classifier()((BOOK % ("update", LEVEL)).encode()).channel == "book.10"


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "kraken", "deribit"])
def test_json_that_no_venue_sends_is_unclassified(venue: str) -> None:
    with pytest.raises(UnclassifiedFrame, match="neither an? .* of (Binance|Kraken v2|Deribit)"):
        VENUES[venue].open_classifier()(b'{"hello":1}')


@pytest.mark.parametrize("time", ["2026-08-02T05:43:39.154709", "yesterday", 5])
def test_a_time_of_kraken_without_a_zone_is_a_decode_error(time: object) -> None:
    frame = msgspec.json.encode(
        {"channel": "trade", "type": "update", "data": [{"symbol": "BTC/USD", "timestamp": time}]}
    )
    with pytest.raises(msgspec.DecodeError, match="timestamp"):
        VENUES["kraken"].open_classifier()(frame)


def test_a_depth_event_of_binances_options_is_unclassified() -> None:
    frame = b'{"e":"depth","E":1,"s":"BTC-210630-9000-P","u":162,"pu":162,"b":[["200","3"]],"a":[]}'
    with pytest.raises(UnclassifiedFrame, match="BTC-210630-9000-P is an option of Binance"):
        VENUES["binance_usdm"].open_classifier()(frame)


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "kraken", "deribit"])
@pytest.mark.parametrize("frame", [b"", b"{", b"[1]", b'{"stream":3,"channel":3,"method":3}', b"\xff"])
def test_bytes_that_are_no_such_json_raise_an_error(venue: str, frame: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        VENUES[venue].open_classifier()(frame)
