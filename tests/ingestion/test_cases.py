"""Recordings that were once read wrongly: the inputs that failed, and small ones of the same kinds."""

from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from typer.testing import CliRunner, Result

from ingestion import cli
from tests.ingestion.builders import write_recording
from tests.recorded_frames import case_path

SNAPSHOT = '{"lastUpdateId":100,"bids":[["100.0","5"]],"asks":[["100.2","7"]]}'


def depth(number: int, symbol: str = "BTCUSDT", time: int = 1_756_220_468_099) -> str:
    """A depth update of one id."""
    ids = f'"U":{number},"u":{number}'
    data = f'{{"e":"depthUpdate","E":{time + number},"s":"{symbol}",{ids},"b":[["100.1","{number}"]],"a":[]}}'
    return f'{{"stream":"{symbol.lower()}@depth@100ms","data":{data}}}'


DEPTHS = [depth(number) for number in range(101, 105)]


class KrakenBook:
    """Frames of one Kraken book with right checksums, at a subscribed depth that no frame names."""

    def __init__(self, symbol: str = "BTC/USD", levels: int = 12) -> None:
        self.symbol = symbol
        self.bids = {1000 - level: 1 + level for level in range(levels)}
        self.asks = {1001 + level: 1 + level for level in range(levels)}
        self.number = 0

    def snapshot(self) -> str:
        return self._frame("snapshot", self.bids, self.asks)

    def update(self, side: str, price: int, size: int) -> str:
        levels = self.bids if side == "bids" else self.asks
        levels[price] = size
        if not size:
            del levels[price]
        return self._frame("update", *({price: size} if side == name else {} for name in ("bids", "asks")))

    def _frame(self, kind: str, bids: dict[int, int], asks: dict[int, int]) -> str:
        self.number += 1
        best = [*sorted(self.asks.items())[:10], *sorted(self.bids.items(), reverse=True)[:10]]
        checksum = crc32("".join(f"{price}{size}" for price, size in best).encode())
        sides = (",".join(f'{{"price":{price},"qty":{size}}}' for price, size in side.items()) for side in (bids, asks))
        data = f'"symbol":"{self.symbol}","bids":[{next(sides)}],"asks":[{next(sides)}],"checksum":{checksum}'
        time = f"2026-08-02T05:43:31.{self.number:06}Z"
        return f'{{"channel":"book","type":"{kind}","data":[{{{data},"timestamp":"{time}"}}]}}'


def rebuild(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["rebuild", *map(str, arguments)])


def records(result: Result) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]


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


def test_an_impossible_time_is_refused_in_the_files_own_terms(tmp_path: Path) -> None:
    frame = (
        '{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"type":'
        '"snapshot","timestamp":1735689600000123,"instrument_name":"BTC-PERPETUAL","change_id":1,"bids":[],"asks":[]}}}'
    )
    result = rebuild(write_recording(tmp_path, frame))
    assert "expected epoch milliseconds, it looks like microseconds" in result.stderr
    assert "recv_us" not in result.stderr
    assert result.exit_code == 1


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


def test_a_recording_that_ends_with_its_connection_is_complete(tmp_path: Path) -> None:
    book = KrakenBook()
    frames = [book.snapshot(), *(book.update("bids", 1000, size) for size in range(2, 6))]
    result = rebuild("--separate", write_recording(tmp_path, *frames))
    assert (len(records(result)), result.exit_code) == (5, 0)


@pytest.mark.parametrize("folders", [("", ""), ("one", "two")], ids=["two names", "one name in two folders"])
def test_files_continue_one_another_unless_they_are_separate(tmp_path: Path, folders: tuple[str, str]) -> None:
    book = KrakenBook()
    hours = [[book.snapshot()], []]
    for number in range(20):
        hours[number // 10].append(book.update("asks", 1001 + number % 12, 50 + number))
    paths = []
    for number, (folder, lines) in enumerate(zip(folders, hours, strict=True)):
        (tmp_path / folder).mkdir(exist_ok=True)
        paths.append(write_recording(tmp_path / folder, *lines, name="hour" if folder else f"hour{number}"))
    together = rebuild(*paths)
    assert (len(records(together)), together.exit_code) == (21, 0)
    separate = rebuild("--separate", *paths)
    assert (len(records(separate)), separate.exit_code) == (11, 1)
    assert "out of sync" in separate.stderr


def test_an_end_cut_from_one_file_is_a_gap_in_the_next(tmp_path: Path) -> None:
    book = KrakenBook()
    first = [book.snapshot(), book.update("bids", 1000, 7)]
    lost = book.update("asks", 1012, 99)  # beyond the ten levels of the checksum
    second = [book.update("bids", 1000, size) for size in (8, 9)]
    one = write_recording(tmp_path, *first, lost[:70], name="one")
    two = write_recording(tmp_path, *second, name="two")
    result = rebuild(one, two)
    assert (len(records(result)), result.exit_code) == (2, 1)
    assert "out of sync" in result.stderr


@pytest.mark.parametrize(
    ("cut", "gaps"),
    [
        (slice(40), {"BTC/USD": 1, "ETH/USD": 1}),
        (slice(90), {"BTC/USD": 1, "ETH/USD": 0}),
        (slice(-60, None), {"BTC/USD": 1, "ETH/USD": 1}),
    ],
    ids=["before the symbol", "after the symbol", "without a beginning"],
)
def test_a_torn_line_is_a_gap_of_every_symbol_that_it_may_have_been(
    tmp_path: Path, cut: slice, gaps: dict[str, int]
) -> None:
    books = [KrakenBook(symbol) for symbol in gaps]
    lines = [book.snapshot() for book in books]
    torn = books[0].update("asks", 1012, 99)[cut]
    lines += [torn, *(book.update("bids", 1000, 7) for book in books)]
    result = rebuild(write_recording(tmp_path, *lines))
    rows = {line.split()[0]: line.split() for line in result.stderr.splitlines() if line.strip().startswith("kraken:")}
    assert {symbol: int(rows[f"kraken:{symbol}"][4]) for symbol in gaps} == gaps
    assert result.exit_code == 1


def test_two_frames_in_one_line_are_a_gap(tmp_path: Path) -> None:
    book = KrakenBook()
    lines = [
        book.snapshot(),
        book.update("bids", 1000, 7) + book.update("asks", 1012, 99),
        book.update("bids", 1000, 8),
    ]
    result = rebuild(write_recording(tmp_path, *lines))
    assert (len(records(result)), result.exit_code) == (1, 1)


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


def test_the_option_names_a_snapshot_in_a_file_of_its_own(tmp_path: Path) -> None:
    snapshot = write_recording(tmp_path, SNAPSHOT, name="snapshot.json")
    updates = write_recording(tmp_path, *DEPTHS, name="updates.jsonl")
    unnamed = rebuild(snapshot, updates)
    assert "snapshot names no symbol, and no frame before it does: name it with --symbol" in unnamed.stderr
    assert unnamed.exit_code == 1
    named = rebuild("--symbol", "BTCUSDT", snapshot, updates)
    assert (len(records(named)), named.exit_code) == (4, 0)


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


def test_files_with_byte_order_marks_that_were_joined_are_read(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, *("\ufeff" + line for line in (SNAPSHOT, *DEPTHS))))
    assert (len(records(result)), result.exit_code) == (4, 0)


def test_a_long_symbol_is_cut_in_reasons(tmp_path: Path) -> None:
    result = rebuild(write_recording(tmp_path, depth(101, symbol="B" * 5000)))
    assert "expected a symbol of at most 64 printable characters, got 5000" in result.stderr
    assert (len(result.stderr) < 3_000, result.exit_code) == (True, 1)


@pytest.mark.parametrize("kind", WRAPPED)
def test_frames_are_read_in_the_shapes_that_recorders_give_them(tmp_path: Path, kind: str) -> None:
    result = rebuild(write_recording(tmp_path, *WRAPPED[kind]))
    assert (len(records(result)), result.exit_code) == (4, 0)
    if kind in ("object", "text", "seconds", "time as text", "tardis"):
        assert {str(each["recv_us"])[:9] for each in records(result)} == {"175622046"}


def test_a_blank_line_of_tardis_ends_the_connection(tmp_path: Path) -> None:
    book = KrakenBook()
    lines = [book.snapshot(), book.update("bids", 1000, 7), "", book.update("bids", 1000, 8)]
    stamped = [f"2026-08-02T05:43:32.00{n} {line}".strip() if line else "" for n, line in enumerate(lines)]
    result = rebuild(write_recording(tmp_path, *(line.replace(" {", "Z {", 1) for line in stamped)))
    assert (len(records(result)), result.exit_code) == (2, 1)


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


def hour(number: int) -> list[str]:
    """Frames of a Kraken book in an hour of a day."""
    book = KrakenBook()
    frames = [book.snapshot(), *(book.update("bids", 1000, size) for size in range(2, 6))]
    return [frame.replace("T05:", f"T{number:02}:") for frame in frames]


@pytest.mark.parametrize(
    ("files", "exit_code"),
    [
        ([hour(1), hour(2)], 0),
        ([hour(2), hour(1)], 1),
        ([hour(1), hour(2), hour(1)], 1),
        ([hour(2)[1:], hour(1)], 1),
        ([hour(2) + hour(1)], 1),
    ],
    ids=["in order", "reversed", "twice", "reversed, no snapshot in the later one", "reversed in one file"],
)
def test_files_in_the_wrong_order_are_told(tmp_path: Path, files: list[list[str]], exit_code: int) -> None:
    paths = [write_recording(tmp_path, *lines, name=f"{number}") for number, lines in enumerate(files)]
    result = rebuild(*paths)
    assert ("go back in time by 1:00:00" in result.stderr, result.exit_code) == (bool(exit_code), exit_code)


def test_times_in_seconds_are_refused(tmp_path: Path) -> None:
    updates = [line.replace(f'"E":{1_756_220_468_099 + n},', '"E":1756220468,') for n, line in enumerate(DEPTHS, 101)]
    result = rebuild(write_recording(tmp_path, SNAPSHOT, *updates))
    assert "time 1756220468 of the frame: expected epoch milliseconds, it looks like seconds" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


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


@pytest.mark.parametrize("text", ["[/x]", "[red]x[/red]", ":x:"])
def test_text_of_a_file_is_printed_as_it_is(tmp_path: Path, text: str) -> None:
    lines = [SNAPSHOT, depth(101, symbol=text), f'{{"stream":"btcusdt@{text}","data":{{"e":"kline","s":"BTCUSDT"}}}}']
    folder = tmp_path / "[" / "x]"
    folder.mkdir(parents=True)
    result = rebuild(write_recording(folder, *lines, "{"))
    assert f"binance:{text}" in result.stderr and f"{text} 1" in result.stderr and "[/x]/" in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
