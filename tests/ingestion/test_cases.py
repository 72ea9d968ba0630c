"""Recordings that were once read wrongly: the inputs that failed, and small ones of the same kinds."""

from pathlib import Path

import pytest

from tests.ingestion.builders import write_recording
from tests.ingestion.rebuilding import DEPTHS, SNAPSHOT, KrakenBook, depth, rebuild, records
from tests.recorded_frames import case_path


@pytest.mark.parametrize(
    ("arguments", "applied"),
    [
        (("05-binance-microseconds.jsonl",), 2),
        (("05b-binance-microseconds-stamped.txt",), 2),
        (("07-binance-three-element-levels.jsonl",), 1),
        (("08-kraken-thin-book-no-ack.jsonl",), 10),
        (("08-kraken-thin-book-no-ack.jsonl", "--depth", "100"), 10),
        (("08b-kraken-thin-book-with-ack.jsonl",), 10),
        (("09-kraken-both-in-one.jsonl",), 61),
        (("09a-kraken-hour1.jsonl", "09b-kraken-hour2.jsonl"), 61),
        (("24a-json-array.json",), 4),
        (("24c-bom.jsonl",), 4),
        (("--venue", "binance", "--symbol", "BTCUSDT", "24e-snapshot.json", "24e-diffs.jsonl"), 4),
        (("24f-own-wrapper.jsonl",), 4),
    ],
)
def test_an_input_that_failed_is_read(arguments: tuple[str, ...], applied: int) -> None:
    result = rebuild(*(case_path(each) if "." in each else each for each in arguments))
    assert (len(records(result)), result.exit_code) == (applied, 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("10-kraken-cut-line.jsonl", "out of sync"),
        ("37-incremental-ticker.jsonl", "channel incremental_ticker"),
    ],
)
def test_an_input_that_cannot_be_used_exits_with_1(name: str, message: str) -> None:
    result = rebuild(case_path(name))
    assert (message in result.stderr, result.exit_code) == (True, 1)


def test_every_frame_refused_exits_with_1(tmp_path: Path) -> None:
    bad = [line.replace('"U":', '"first":') for line in DEPTHS]
    path = write_recording(tmp_path, SNAPSHOT, *bad)
    result = rebuild(path)
    assert f"rejected: {path}:2: binance:BTCUSDT: " in result.stderr
    assert "refused 4" in result.stderr
    assert result.exit_code == 1


def test_a_book_that_stopped_long_before_its_last_frame_exits_with_1(tmp_path: Path) -> None:
    def trade(time: int) -> str:
        return f'{{"e":"trade","E":{time},"T":{time},"s":"BTCUSDT","t":{time},"p":"1","q":"2","m":true,"M":true}}'

    start = 1_756_220_468_203
    assert rebuild(write_recording(tmp_path, SNAPSHOT, *DEPTHS, trade(start + 29_000))).exit_code == 0
    result = rebuild(write_recording(tmp_path, SNAPSHOT, *DEPTHS, trade(start + 3_600_000)))
    assert "binance:BTCUSDT: " in result.stderr
    assert result.exit_code == 1


def test_a_thin_book_is_not_cut_before_its_checksum_says_so(tmp_path: Path) -> None:
    book = KrakenBook(levels=8)
    lines = [book.snapshot(), *(book.update("bids", 990 - level, 3) for level in range(6))]
    lines += [book.update("bids", 1000 - level, 0) for level in range(6)]
    path = write_recording(tmp_path, *lines)
    result = rebuild(path)
    assert (len(records(result)), result.exit_code) == (13, 0)
    assert rebuild("--depth", 10, path).exit_code == 1
    wrong = rebuild("--depth", 12, path)
    assert "depth of kraken: expected one of 10, 25, 100, 500, 1000, got 12" in str(wrong.exception)


@pytest.mark.parametrize("channel", ["incremental_ticker.BTC-29MAY26-76000-C", "markprice.options.btc_usd"])
def test_an_option_channel_that_is_not_read_exits_with_1(tmp_path: Path, channel: str) -> None:
    frame = f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"{channel}","data":[{{"timestamp":1}}]}}}}'
    result = rebuild(write_recording(tmp_path, frame))
    assert f"channel {channel}" in result.stderr
    assert result.exit_code == 1


def test_a_grouped_book_exits_with_1(tmp_path: Path) -> None:
    frame = (
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.10.10.100ms","data":'
        '{"timestamp":1756220468099,"instrument_name":"BTC-PERPETUAL","change_id":1,"bids":[[1.0,2.0]],"asks":[]}}}'
    )
    result = rebuild(write_recording(tmp_path, frame))
    assert "book.10.10.100ms" in result.stderr
    assert result.exit_code == 1


def test_updates_that_wait_for_a_snapshot_at_the_end_are_not_used(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, *DEPTHS))
    assert "used 0, skipped 4 (held for a snapshot 4), refused 0" in result.stderr
    assert result.exit_code == 1


def test_rebuild_counts_trades_and_repeats(tmp_path: Path) -> None:
    trade = '{"e":"trade","E":1756220468300,"T":1756220468300,"s":"BTCUSDT","t":7,"p":"1","q":"2","m":true,"M":true}'
    result = rebuild(write_recording(tmp_path, SNAPSHOT, *DEPTHS, trade, trade))
    row = next(line.split() for line in result.stderr.splitlines() if "binance:BTCUSDT" in line)
    assert row[8:10] == ["1", "1"]
    assert result.exit_code == 0


def test_a_recording_that_ends_while_its_ids_begin_anew_exits_with_1(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, SNAPSHOT, *DEPTHS, depth(7, time=1_756_220_469_000)))
    assert "binance:BTCUSDT: its last updates have old ids and later times" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(("restarts", "told"), [(1, "once"), (2, "2 times")])
def test_ids_of_trades_that_began_anew_are_told(tmp_path: Path, restarts: int, told: str) -> None:
    def trade(number: int, time: int) -> str:
        at = 1_756_220_468_203 + time * 60_000
        return f'{{"e":"trade","E":{at},"T":{at},"s":"BTCUSDT","t":{number},"p":"1","q":"2","m":true,"M":true}}'

    trades = [trade(9_000 - time * 4_000, time) for time in range(restarts + 1)]
    result = rebuild(write_recording(tmp_path, *trades))
    assert f"binance:BTCUSDT: the ids of trades began anew {told}" in result.stderr


@pytest.mark.parametrize("with_snapshot", [False, True], ids=["alone", "beside a REST reply"])
def test_bare_partial_depth_of_usdm_is_refused_by_name(tmp_path: Path, with_snapshot: bool) -> None:
    def partial(number: int) -> str:
        side = ",".join(f'["{100 + number + step}","1"]' for step in range(5))
        ids = f'"U":{number},"u":{number + 5},"pu":{number - 9}'
        time = 1_756_220_468_203 + number
        return f'{{"e":"depthUpdate","E":{time},"T":{time},"s":"BTCUSDT",{ids},"b":[{side}],"a":[{side}]}}'

    snapshot = '{"lastUpdateId":101,"E":5,"T":5,"bids":[["100.0","5"]],"asks":[["100.2","7"]]}'
    frames = [snapshot] * with_snapshot + [partial(100 + 10 * number) for number in range(4)]
    result = rebuild("--symbol", "BTCUSDT", write_recording(tmp_path, *frames))
    assert "BTCUSDT: 5 levels on each side, no deletion" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)
    assert "refused 4" in result.stderr


USDM_DEPTH = DEPTHS[2].replace('"U":103', '"pu":102,"U":103')

SPOT_TRADE = '{"e":"trade","E":1756220468300,"T":1756220468300,"s":"BTCUSDT","t":7,"p":"1","q":"2","m":true,"M":true}'

USDM_FRAMES = [
    SNAPSHOT.replace('"bids"', '"E":1756220468100,"T":1756220468100,"bids"'),
    *(line.replace('"U"', f'"pu":{number - 1},"U"') for number, line in enumerate(DEPTHS, 101)),
]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([SNAPSHOT, *DEPTHS[:2], USDM_DEPTH], "BTCUSDT: an update of USD-M (it has `pu`) among frames of spot"),
        ([SPOT_TRADE, *USDM_FRAMES], "BTCUSDT: an update of USD-M (it has `pu`) among frames of spot"),
        ([*USDM_FRAMES, SPOT_TRADE], "BTCUSDT: a trade of spot (it has `M`) among frames of USD-M"),
    ],
    ids=["update in a book", "a first trade of spot", "trade of spot"],
)
def test_frames_of_the_other_market_of_binance_are_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    result = rebuild(write_recording(tmp_path, *lines))
    assert (message in result.stderr, result.exit_code) == (True, 1)


def test_a_crossed_book_alone_exits_with_1(tmp_path: Path) -> None:
    body = '{"lastUpdateId":1,"bids":[["102","1"]],"asks":[["101","1"]]}'
    result = rebuild(write_recording(tmp_path, f'{{"stream":"btcusdt@depth5@100ms","data":{body}}}'))
    assert "binance:BTCUSDT: the book is out of sync" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)
