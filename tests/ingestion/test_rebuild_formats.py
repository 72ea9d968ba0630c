"""The forms in which recorders write frames and times: read, or refused with what was seen."""

from pathlib import Path

import msgspec
import pytest

from tests.ingestion.builders import write_recording
from tests.ingestion.rebuilding import DEPTHS, SNAPSHOT, depth, rebuild, records


def test_times_in_microseconds_are_read(tmp_path: Path) -> None:
    trade = (
        '{"e":"trade","E":1735689600000123,"T":1735689600000456,"s":"BTCUSDT","t":7,"p":"1","q":"2","m":true,"M":true}'
    )
    updates = [depth(number, time=1_735_689_600_000_000) for number in range(101, 105)]
    for stamp in ("", "1735689600100999000 ", "1735689600100999 "):
        result = rebuild(write_recording(tmp_path, *(stamp + line for line in (SNAPSHOT, *updates, trade))))
        assert result.exit_code == 0
        assert [each["event_time"] for each in records(result)] == [1_735_689_600_000] * 4
        assert " 1 " in next(line for line in result.stderr.splitlines() if "binance:BTCUSDT" in line)


def test_times_in_seconds_are_refused(tmp_path: Path) -> None:
    updates = [line.replace(f'"E":{1_756_220_468_099 + n},', '"E":1756220468,') for n, line in enumerate(DEPTHS, 101)]
    result = rebuild(write_recording(tmp_path, SNAPSHOT, *updates))
    assert "time 1756220468 of the frame: expected epoch milliseconds, it looks like seconds" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


def test_an_impossible_time_is_refused_in_the_files_own_terms(tmp_path: Path) -> None:
    frame = (
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"type":'
        '"snapshot","timestamp":1735689600000123,"instrument_name":"BTC-PERPETUAL","change_id":1,"bids":[],"asks":[]}}}'
    )
    result = rebuild(write_recording(tmp_path, frame))
    assert "expected epoch milliseconds, it looks like microseconds" in result.stderr
    assert "recv_us" not in result.stderr
    assert result.exit_code == 1


WRAPPED = {
    "object": [f'{{"rx_ns":17562204680000000{n:02},"frame":{frame}}}' for n, frame in enumerate((SNAPSHOT, *DEPTHS))],
    "text": [
        f'{{"raw":{msgspec.json.encode(frame).decode()},"when":"2025-08-26T15:01:08.{n}+00:00"}}'
        for n, frame in enumerate((SNAPSHOT, *DEPTHS))
    ],
    "seconds": [f'{{"t":1756220468.{n},"seqno":{n},"msg":{frame}}}' for n, frame in enumerate((SNAPSHOT, *DEPTHS))],
    "time as text": [f'{{"t":"17562204680{n:02}","msg":{frame}}}' for n, frame in enumerate((SNAPSHOT, *DEPTHS))],
    "no time": [f'{{"mono":{n},"m":{frame}}}' for n, frame in enumerate((SNAPSHOT, *DEPTHS))],
    "tardis": [f"2025-08-26T15:01:08.00000{n}0Z {frame}" for n, frame in enumerate((SNAPSHOT, *DEPTHS))],
    "byte order mark": ["\ufeff" + SNAPSHOT, *DEPTHS],
    "array": [f"[{','.join((SNAPSHOT, *DEPTHS))}]"],
    "array over lines": ["[", ",\n".join((SNAPSHOT, *DEPTHS)), "]"],
    "array a line": [f"[{SNAPSHOT}]", f"[{','.join(DEPTHS)}]"],
}

KLINE = '{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1,"s":"BTCUSDT","k":{}}}'

LATE_STARTS = {
    "acknowledgements": ['{"result":null,"id":1}'] * 120 + [SNAPSHOT, *DEPTHS],
    "candles": [KLINE] * 120 + [SNAPSHOT, *DEPTHS],
    "stamped candles": [f"17562204680000000{n:02} {line}" for n, line in enumerate([KLINE] * 80 + [SNAPSHOT, *DEPTHS])],
}


@pytest.mark.parametrize("kind", LATE_STARTS)
def test_the_first_frame_may_come_after_many_lines_without_market_data(tmp_path: Path, kind: str) -> None:
    result = rebuild(write_recording(tmp_path, *LATE_STARTS[kind]))
    assert (len(records(result)), result.exit_code) == (4, 0)


@pytest.mark.parametrize("kind", WRAPPED)
def test_frames_are_read_in_the_shapes_that_recorders_give_them(tmp_path: Path, kind: str) -> None:
    result = rebuild(write_recording(tmp_path, *WRAPPED[kind]))
    assert (len(records(result)), result.exit_code) == (4, 0)
    if kind in ("object", "text", "seconds", "time as text", "tardis"):
        assert {str(each["recv_us"])[:9] for each in records(result)} == {"175622046"}


def test_files_with_byte_order_marks_that_were_joined_are_read(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, *("\ufeff" + line for line in (SNAPSHOT, *DEPTHS))))
    assert (len(records(result)), result.exit_code) == (4, 0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (SNAPSHOT.encode("utf-16"), "the text is UTF-16, expected UTF-8"),
        (SNAPSHOT.encode("utf-16-le"), "the text is UTF-16, expected UTF-8"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "compressed with zstd, expected gzip or plain text"),
        (b"{'lastUpdateId': 100, 'bids': []}\n", "Python's notation of a dict, not JSON"),
        (b'{"bids":[[NaN,1]]}\n', "the first line is not JSON: JSON is malformed: invalid character (byte 10)"),
        (b'[336,{"as":[]}]\n[336,{"a":[]}]\n', "the first line is '[336,{\"as\":[]}]'"),
        (b'{"rx_ns":1,"frame":{"hello":1}}\n', "JSON lines with keys rx_ns, frame: no frame that depthflow knows"),
    ],
)
def test_another_encoding_or_format_is_refused_with_what_was_seen(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    result = rebuild(path)
    assert message in str(result.exception)
    assert result.exit_code == 1


def test_levels_of_three_elements_are_read(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, *(line.replace('"]', '",[]]') for line in (SNAPSHOT, *DEPTHS))))
    assert (len(records(result)), result.exit_code) == (4, 0)


def test_a_long_symbol_is_cut_in_reasons(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, depth(101, symbol="B" * 5000)))
    assert "expected a symbol of at most 64 printable characters, got 5000" in result.stderr
    assert (len(result.stderr) < 3_000, result.exit_code) == (True, 1)


@pytest.mark.parametrize("text", ["[/x]", "[red]x[/red]", ":x:"])
def test_text_of_a_file_is_printed_as_it_is(tmp_path: Path, text: str) -> None:
    lines = [SNAPSHOT, depth(101, symbol=text), f'{{"stream":"btcusdt@{text}","data":{{"e":"kline","s":"BTCUSDT"}}}}']
    folder = tmp_path / "[" / "x]"
    folder.mkdir(parents=True)
    result = rebuild(write_recording(folder, *lines, "{"))
    assert f"binance:{text}" in result.stderr and f"{text} 1" in result.stderr and "[/x]/" in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
