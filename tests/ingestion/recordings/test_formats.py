"""Every format, as written by hand: what is kept, what is counted, what is refused and with which words."""

from pathlib import Path

import pytest

from ingestion.recordings import Recording, RecordingError, read_recordings
from market.records import Envelope
from tests.ingestion.builders import encode, stored, zipped

DEPTH = '{"stream":"ethusdt@depth@100ms","data":{"e":"depthUpdate","E":1000,"s":"ETHUSDT","U":1,"u":2,"b":[],"a":[]}}'
TRADE = '{"stream":"ethusdt@trade","data":{"e":"trade","E":1001,"s":"ETHUSDT","t":1,"M":true}}'
BODY = '{"lastUpdateId":2,"bids":[],"asks":[]}'
USDM = '{"e":"depthUpdate","E":1000,"T":999,"s":"ETHUSDT","U":1,"u":2,"pu":0,"b":[],"a":[]}'
KRAKEN = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0,'
    '"timestamp":"2026-08-02T05:43:31.000562Z"}]}'
)
HEADER = '{"t":"header","format":2,"exchange":"BINANCE"}'


def hft(frame: str, nanoseconds: int = 1_700_000_000_123_456_789) -> str:
    return f"{nanoseconds} {frame}"


def feed(kind: str, ts: str, data: str, **more: str) -> str:
    quoted = data.replace('"', '\\"')
    extra = "".join(f',"{name}":"{value}"' for name, value in more.items())
    return f'{{"t":"{kind}","conn":"ws.1","ts":{ts},"data":"{quoted}"{extra}}}'


def read(path: Path, venue: str | None = None) -> tuple[list[Envelope], Recording]:
    recording = Recording(path, venue)
    return list(recording), recording


def test_hftbacktest_lines(tmp_path: Path) -> None:
    (depth, body, trade), _ = read(stored(tmp_path, hft(DEPTH), hft(BODY), hft(TRADE)))
    assert (depth.venue, depth.channel, depth.symbol, depth.seq) == ("binance", "depth@100ms", "ETHUSDT", 0)
    assert (body.channel, body.symbol, body.seq) == ("snapshot", "ETHUSDT", 1)
    assert (trade.channel, trade.seq) == ("trade", 0)
    assert depth.recv_us == 1_700_000_000_123_456
    assert bytes(depth.frame) == DEPTH.encode()  # type: ignore[arg-type]


def test_a_snapshot_before_all_else_gets_the_symbol_of_the_file(tmp_path: Path) -> None:
    envelopes, _ = read(stored(tmp_path, hft(BODY), hft(DEPTH)))
    assert [(envelope.channel, envelope.symbol) for envelope in envelopes] == [
        ("snapshot", "ETHUSDT"),
        ("depth@100ms", "ETHUSDT"),
    ]


def test_a_snapshot_in_a_file_of_several_symbols_belongs_to_none(tmp_path: Path) -> None:
    path = stored(tmp_path, hft(DEPTH), hft(DEPTH.replace("ETHUSDT", "BTCUSDT")), hft(BODY))
    envelopes, recording = read(path)
    assert len(envelopes) == 2
    assert recording.account.complaints == [f"{path}:3: snapshot names no symbol, and the recording has 2"]


def test_cryptofeed_records_and_the_symbol_from_the_url(tmp_path: Path) -> None:
    fetched = feed("http", "1.5", BODY, url="https://x/api/v3/depth?symbol=BTCUSDT&limit=1000")
    path = stored(tmp_path, HEADER, feed("connect", "1.0", ""), feed("recv", "1.25", DEPTH), fetched)
    (depth, body), recording = read(path)
    assert (depth.recv_us, body.recv_us) == (1_250_000, 1_500_000)
    assert (body.channel, body.symbol) == ("snapshot", "BTCUSDT")
    assert recording.account.counted == {"header": 1, "connect": 1}


def test_cryptofeed_answers_take_their_place_in_time(tmp_path: Path) -> None:
    url = "https://x/api/v3/depth?symbol=ETHUSDT"
    lines = [feed("http", "2.0", BODY, url=url), feed("recv", "1.0", DEPTH), feed("recv", "3.0", DEPTH)]
    envelopes, _ = read(stored(tmp_path, HEADER, *lines))
    assert [envelope.channel for envelope in envelopes] == ["depth@100ms", "snapshot", "depth@100ms"]


def test_plain_lines_take_the_venues_time_and_never_step_back(tmp_path: Path) -> None:
    earlier = KRAKEN.replace("31.000562", "30.000000")
    envelopes, recording = read(stored(tmp_path, '{"channel":"heartbeat"}', KRAKEN, earlier))
    assert [envelope.recv_us for envelope in envelopes] == [1_785_649_411_000_562] * 2
    assert recording.account.counted == {"heartbeat": 1}


def test_own_envelopes_pass_unchanged(tmp_path: Path) -> None:
    first, _ = read(stored(tmp_path, hft(DEPTH), hft(BODY)))
    again, _ = read(stored(tmp_path, *(encode(envelope).decode() for envelope in first), name="own.jsonl"))
    assert list(map(encode, again)) == list(map(encode, first))


def test_of_own_envelopes_one_venue_can_be_chosen(tmp_path: Path) -> None:
    lines = [encode(envelope).decode() for envelope in read(stored(tmp_path, hft(DEPTH)))[0]]
    envelopes, recording = read(stored(tmp_path, *lines, name="own.jsonl"), "kraken")
    assert envelopes == []
    assert recording.account.counted == {"of binance": 1}


@pytest.mark.parametrize("lines", [(hft(DEPTH), hft(TRADE)), (HEADER, feed("recv", "1.0", DEPTH)), (KRAKEN,), (USDM,)])
def test_gzip_is_told_by_content(tmp_path: Path, lines: tuple[str, ...]) -> None:
    path = stored(tmp_path, *lines)
    assert [e.frame for e in read(zipped(path))[0]] == [e.frame for e in read(path)[0]]


@pytest.mark.parametrize(("frame", "venue"), [(DEPTH, "binance"), (USDM, "binance_usdm"), (KRAKEN, "kraken")])
def test_the_frames_tell_their_venue(tmp_path: Path, frame: str, venue: str) -> None:
    assert {envelope.venue for envelope in read(stored(tmp_path, frame))[0]} == {venue}


def test_the_user_knows_the_venue_better(tmp_path: Path) -> None:
    assert {envelope.venue for envelope in read(stored(tmp_path, DEPTH), "binance_usdm")[0]} == {"binance_usdm"}


def test_frames_that_do_not_tell_their_venue_need_the_user(tmp_path: Path) -> None:
    path = stored(tmp_path, hft('{"e":"kline","E":1,"s":"ETHUSDT"}'))
    with pytest.raises(RecordingError, match="the frames do not tell their venue; say --venue"):
        read(path)


def test_a_pretty_printed_reply_is_one_frame(tmp_path: Path) -> None:
    lines = ["{", '"jsonrpc": "2.0",', '"result": [{"instrument_name": "BTC-9JUN20-9875-P"}], "usOut": 7', "}"]
    (summary,), _ = read(stored(tmp_path, *lines))
    assert (summary.venue, summary.channel, summary.symbol, summary.recv_us) == ("deribit", "book_summary", "BTC", 7)


def test_a_truncated_last_line_is_told_with_its_place(tmp_path: Path) -> None:
    path = stored(tmp_path, hft(DEPTH), hft(DEPTH)[:60])
    envelopes, recording = read(path)
    assert len(envelopes) == recording.account.rejected == 1
    assert recording.account.complaints == [f"{path}:2: Input data was truncated"]


def test_garbage_between_lines_is_counted_and_the_rest_read(tmp_path: Path) -> None:
    path = stored(tmp_path, "garbage", hft(DEPTH), "12x {}", "", hft(TRADE), hft('{"hello":1}'))
    envelopes, recording = read(path)
    assert [envelope.channel for envelope in envelopes] == ["depth@100ms", "trade"]
    assert recording.account.complaints == [
        f"{path}:1: expected a receive time in nanoseconds, got 'garbage'",
        f"{path}:3: expected a receive time in nanoseconds, got '12x'",
        f"{path}:6: neither an event, a depth body nor a reply of Binance",
    ]


def test_a_damaged_gzip_file_gives_what_it_holds(tmp_path: Path) -> None:
    path = zipped(stored(tmp_path, *[hft(DEPTH, 1_700_000_000_000_000_000 + n) for n in range(50_000)]))
    path.write_bytes(path.read_bytes()[:-2000])
    envelopes, recording = read(path)
    assert len(envelopes) > 1000
    assert "the compressed file is damaged here, the rest is lost" in recording.account.complaints[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("hello\nworld\n", "neither lines that depthflow knows nor JSON"),
        ('{"hello":1}\n', "not a recording that depthflow knows"),
        ('{"t":"header","format":2,"exchange":"BITSTAMP"}\n', "recorded at BITSTAMP, expected one of binance"),
    ],
)
def test_what_is_no_recording_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(RecordingError, match=f"{path}: .*{message}"):
        read(path)


def test_a_wrong_venue_for_a_file_that_says_it(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="recorded at binance, but --venue says kraken"):
        read(stored(tmp_path, HEADER, feed("recv", "1.0", DEPTH)), "kraken")


def test_a_missing_file_and_an_unknown_venue(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nope: No such file or directory"):
        read(tmp_path / "nope")
    with pytest.raises(RecordingError, match="unknown venue 'mtgox': expected one of binance, binance_usdm"):
        read(stored(tmp_path, DEPTH), "mtgox")


def test_several_recordings_follow_each_other(tmp_path: Path) -> None:
    first = stored(tmp_path, hft(DEPTH), name="a")
    second = stored(tmp_path, hft(TRADE), name="b")
    assert [envelope.channel for envelope in read_recordings(first, second)] == ["depth@100ms", "trade"]
