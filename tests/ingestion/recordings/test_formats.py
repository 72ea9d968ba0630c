"""Each recording format on handwritten lines: accepted, ignored and rejected frames, and error texts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.records import Envelope
from ingestion.recordings import Recording, RecordingError, read_recordings
from tests.ingestion.builders import encode, gzip_copy, write_recording

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
    (depth, body, trade), _ = read(write_recording(tmp_path, hft(DEPTH), hft(BODY), hft(TRADE)))
    assert (depth.venue, depth.channel, depth.symbol, depth.seq) == ("binance", "depth@100ms", "ETHUSDT", 0)
    assert (body.channel, body.symbol, body.seq) == ("snapshot", "ETHUSDT", 1)
    assert (trade.channel, trade.seq) == ("trade", 0)
    assert depth.recv_us == 1_700_000_000_123_456
    assert bytes(depth.frame) == DEPTH.encode()  # type: ignore[arg-type]


def test_a_snapshot_before_other_frames_gets_the_symbol_of_the_file(tmp_path: Path) -> None:
    envelopes, _ = read(write_recording(tmp_path, hft(BODY), hft(DEPTH)))
    assert [(envelope.channel, envelope.symbol) for envelope in envelopes] == [
        ("snapshot", "ETHUSDT"),
        ("depth@100ms", "ETHUSDT"),
    ]


def test_a_snapshot_in_a_file_of_several_symbols_is_rejected(tmp_path: Path) -> None:
    path = write_recording(tmp_path, hft(DEPTH), hft(DEPTH.replace("ETHUSDT", "BTCUSDT")), hft(BODY))
    envelopes, recording = read(path)
    assert len(envelopes) == 2
    assert recording.report.errors == [f"{path}:3: snapshot names no symbol, and the recording has 2: BTCUSDT, ETHUSDT"]


def test_cryptofeed_records_and_the_symbol_from_the_url(tmp_path: Path) -> None:
    fetched = feed("http", "1.5", BODY, url="https://x/api/v3/depth?symbol=BTCUSDT&limit=1000")
    path = write_recording(tmp_path, HEADER, feed("connect", "1.0", ""), feed("recv", "1.25", DEPTH), fetched)
    (depth, body), recording = read(path)
    assert (depth.recv_us, body.recv_us) == (1_250_000, 1_500_000)
    assert (body.channel, body.symbol) == ("snapshot", "BTCUSDT")
    assert recording.report.ignored == {"header": 1, "connect": 1}


def test_cryptofeed_replies_are_ordered_by_time(tmp_path: Path) -> None:
    url = "https://x/api/v3/depth?symbol=ETHUSDT"
    lines = [feed("http", "2.0", BODY, url=url), feed("recv", "1.0", DEPTH), feed("recv", "3.0", DEPTH)]
    envelopes, _ = read(write_recording(tmp_path, HEADER, *lines))
    assert [envelope.channel for envelope in envelopes] == ["depth@100ms", "snapshot", "depth@100ms"]


def test_plain_lines_use_the_venues_time_made_monotonic(tmp_path: Path) -> None:
    earlier = KRAKEN.replace("31.000562", "30.000000")
    envelopes, recording = read(write_recording(tmp_path, '{"channel":"heartbeat"}', KRAKEN, earlier))
    assert [envelope.recv_us for envelope in envelopes] == [1_785_649_411_000_562] * 2
    assert recording.report.ignored == {"heartbeat": 1}


def test_own_envelopes_are_read_unchanged(tmp_path: Path) -> None:
    first, _ = read(write_recording(tmp_path, hft(DEPTH), hft(BODY)))
    again, _ = read(write_recording(tmp_path, *(encode(envelope).decode() for envelope in first), name="own.jsonl"))
    assert list(map(encode, again)) == list(map(encode, first))


def test_one_venue_of_own_envelopes_can_be_selected(tmp_path: Path) -> None:
    lines = [encode(envelope).decode() for envelope in read(write_recording(tmp_path, hft(DEPTH)))[0]]
    envelopes, recording = read(write_recording(tmp_path, *lines, name="own.jsonl"), "kraken")
    assert envelopes == []
    assert recording.report.ignored == {"venue binance": 1}


@pytest.mark.parametrize("lines", [(hft(DEPTH), hft(TRADE)), (HEADER, feed("recv", "1.0", DEPTH)), (KRAKEN,), (USDM,)])
def test_gzip_is_detected_by_content(tmp_path: Path, lines: tuple[str, ...]) -> None:
    path = write_recording(tmp_path, *lines)
    assert [e.frame for e in read(gzip_copy(path))[0]] == [e.frame for e in read(path)[0]]


@pytest.mark.parametrize(("frame", "venue"), [(DEPTH, "binance"), (USDM, "binance_usdm"), (KRAKEN, "kraken")])
def test_the_venue_is_detected_from_the_frames(tmp_path: Path, frame: str, venue: str) -> None:
    assert {envelope.venue for envelope in read(write_recording(tmp_path, frame))[0]} == {venue}


def test_a_given_venue_overrides_the_detected_one(tmp_path: Path) -> None:
    assert {envelope.venue for envelope in read(write_recording(tmp_path, DEPTH), "binance_usdm")[0]} == {
        "binance_usdm"
    }


def test_frames_without_a_venue_need_the_option(tmp_path: Path) -> None:
    path = write_recording(tmp_path, hft('{"e":"kline","E":1,"s":"ETHUSDT"}'))
    with pytest.raises(RecordingError, match="the frames name no venue; set --venue to one of binance"):
        read(path)


def test_a_pretty_printed_reply_is_one_frame(tmp_path: Path) -> None:
    lines = ["{", '"jsonrpc": "2.0",', '"result": [{"instrument_name": "BTC-9JUN20-9875-P"}], "usOut": 7', "}"]
    (summary,), _ = read(write_recording(tmp_path, *lines))
    assert (summary.venue, summary.channel, summary.symbol, summary.recv_us) == ("deribit", "book_summary", "BTC", 7)


def test_a_truncated_last_line_is_reported_with_its_line_number(tmp_path: Path) -> None:
    path = write_recording(tmp_path, hft(DEPTH), hft(DEPTH)[:60])
    envelopes, recording = read(path)
    assert len(envelopes) == recording.report.rejected == 1
    assert recording.report.errors == [f"{path}:2: Input data was truncated"]


def test_undecodable_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_recording(tmp_path, "garbage", hft(DEPTH), "12x {}", "", hft(TRADE), hft('{"hello":1}'))
    envelopes, recording = read(path)
    assert [envelope.channel for envelope in envelopes] == ["depth@100ms", "trade"]
    assert recording.report.errors == [
        f"{path}:1: expected a receive time in nanoseconds or ISO 8601, got 'garbage'",
        f"{path}:3: expected a receive time in nanoseconds or ISO 8601, got '12x'",
        f"{path}:6: neither an event, a depth body nor a reply of Binance",
    ]


def test_a_damaged_gzip_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    path = gzip_copy(write_recording(tmp_path, *[hft(DEPTH, 1_700_000_000_000_000_000 + n) for n in range(50_000)]))
    path.write_bytes(path.read_bytes()[:-2000])
    envelopes, recording = read(path)
    assert len(envelopes) > 1000
    assert "the compressed file is damaged from here on; the rest is skipped" in recording.report.errors[-1]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-12], lambda data: data + b"x", lambda data: data[:-8] + b"x" * 8]
)
def test_a_small_damaged_gzip_file_is_read_up_to_the_damage(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = gzip_copy(write_recording(tmp_path, *[hft(DEPTH, 1_700_000_000_000_000_000 + n) for n in range(9)]))
    path.write_bytes(damage(path.read_bytes()))
    envelopes, recording = read(path)
    assert len(envelopes) >= 7
    assert "the compressed file is damaged from here on; the rest is skipped" in recording.report.errors[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("hello\nworld\n", "unknown format; the first line is 'hello'; expected JSON lines"),
        ('{"rx_ns":1,"frame":{"a":2}}\n', "JSON lines with keys rx_ns, frame: no frame that depthflow knows"),
        ("{'e': 'depthUpdate'}\n", "Python's notation of a dict, not JSON"),
        ('[{"e":1},\n{"e"\n', "a JSON array that is cut off or damaged"),
        ('{"t":"header","format":2,"exchange":"BITSTAMP"}\n', "recorded at BITSTAMP, expected one of binance"),
    ],
)
def test_a_file_that_is_not_a_recording_is_one_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(RecordingError, match=f"{path}: .*{message}"):
        read(path)


def test_a_venue_that_contradicts_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="recorded at binance, but --venue is kraken"):
        read(write_recording(tmp_path, HEADER, feed("recv", "1.0", DEPTH)), "kraken")


def test_a_missing_file_and_an_unknown_venue_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nope: No such file or directory"):
        read(tmp_path / "nope")
    with pytest.raises(RecordingError, match="unknown venue 'mtgox': expected one of binance, binance_usdm"):
        read(write_recording(tmp_path, DEPTH), "mtgox")


def test_several_recordings_are_read_one_after_the_other(tmp_path: Path) -> None:
    first = write_recording(tmp_path, hft(DEPTH), name="a")
    second = write_recording(tmp_path, hft(TRADE), name="b")
    assert [envelope.channel for envelope in read_recordings(first, second)] == ["depth@100ms", "trade"]
