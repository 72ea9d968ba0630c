"""Frames after frame faults."""

import msgspec
import pytest

from simulator import Corrupt, Duplicate, Gap, Reorder, WrongChecksum, WrongDigit
from simulator.faults import FrameFault
from simulator.frame_faults import FrameFaults, break_json, change_checksum, change_digit
from simulator.publication import Publication

BOOK = (
    b'{"data":[{"bids":[{"price":9.0,"qty":1.00},{"price":9.5,"qty":0.00},{"price":9.4,"qty":2.05}],'
    b'"asks":[{"price":9.6,"qty":7.00}],"checksum":41,"timestamp":"2026-01-01T00:00:00Z"}]}'
)


def sent(fault: FrameFault, frames: int = 4, symbol: str = "A") -> list[bytes]:
    faults = FrameFaults()
    faults.arm(fault, ["A", "B"])
    numbered = [b"%d" % number for number in range(frames)]
    return [out for frame in numbered for out in faults.apply(Publication("s", symbol, "book", frame), frame)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Gap(), b"123"),
        (Gap(count=3), b"3"),
        (Duplicate(), b"00123"),
        (Reorder(), b"1023"),
        (Reorder(count=2), b"1032"),
        (Gap(symbol="B"), b"0123"),
        (Gap(kind="trade"), b"0123"),
        (WrongChecksum(), b"0123"),
        (WrongDigit(), b"0123"),
    ],
)
def test_a_fault_affects_the_frames_that_it_selects(fault: FrameFault, expected: bytes) -> None:
    assert b"".join(sent(fault)) == expected


def test_a_fault_without_a_symbol_affects_every_symbol() -> None:
    assert sent(Gap(), 2, "A") == sent(Gap(), 2, "B") == [b"1"]


def test_a_corrupt_frame_differs_in_one_byte_and_is_not_json() -> None:
    corrupt = break_json(BOOK)
    assert sum(a != b for a, b in zip(BOOK, corrupt, strict=True)) == 1
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(corrupt)


def test_the_changed_digit_is_in_the_size_nearest_to_the_touch() -> None:
    assert change_digit(BOOK) == BOOK.replace(b"2.05", b"2.03")


def test_no_digit_is_changed_in_a_frame_that_only_removes_levels() -> None:
    assert change_digit(b'{"bids":[{"price":9.0,"qty":0.00}],"asks":[]}') is None


def test_a_changed_checksum_leaves_the_rest_of_the_frame() -> None:
    assert change_checksum(BOOK) == BOOK.replace(b'"checksum":41', b'"checksum":40')


def test_a_fault_is_decoded_by_its_name() -> None:
    decoded = msgspec.json.decode(b'{"fault":"corrupt","symbol":"BTCUSDT","count":2}', type=Corrupt | Gap)
    assert decoded == Corrupt(symbol="BTCUSDT", count=2)
