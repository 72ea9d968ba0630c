"""Files that continue one another, and lines that were cut."""

from pathlib import Path

import pytest

from tests.ingestion.builders import write_recording
from tests.ingestion.rebuilding import DEPTHS, SNAPSHOT, KrakenBook, rebuild, records


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


def test_the_option_names_a_snapshot_in_a_file_of_its_own(tmp_path: Path) -> None:
    snapshot = write_recording(tmp_path, SNAPSHOT, name="snapshot.json")
    updates = write_recording(tmp_path, *DEPTHS, name="updates.jsonl")
    unnamed = rebuild(snapshot, updates)
    assert "snapshot names no symbol, and no frame before it does: name it with --symbol" in unnamed.stderr
    assert unnamed.exit_code == 1
    named = rebuild("--symbol", "BTCUSDT", snapshot, updates)
    assert (len(records(named)), named.exit_code) == (4, 0)


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


def test_a_blank_line_of_tardis_ends_the_connection(tmp_path: Path) -> None:
    book = KrakenBook()
    lines = [book.snapshot(), book.update("bids", 1000, 7), "", book.update("bids", 1000, 8)]
    stamped = [f"2026-08-02T05:43:32.00{n} {line}".strip() if line else "" for n, line in enumerate(lines)]
    result = rebuild(write_recording(tmp_path, *(line.replace(" {", "Z {", 1) for line in stamped)))
    assert (len(records(result)), result.exit_code) == (2, 1)


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
