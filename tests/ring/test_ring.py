"""Writer and reader of one segment."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess as Process
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest

from market.orderbook.tick_records import BookTick
from reader import ring as open_ring
from ring.layout import VERSION, Layout
from ring.segment import RingError, WriterGone, path_of
from ring.view import Ring, State
from ring.writer import RingWriter
from tests.ring.builders import KEY, SMALL, opened, trade, write


def test_the_newest_book_of_a_key_has_its_levels_as_views(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        write(writer, 6)
        writer.write_book(KEY, 7, 8, 9, [100.0, 1.0, 99.0, 2.0], [101.0, 3.0])
        book = ring.book(KEY)
        assert book is not None
        assert (book.event_time, book.recv_us, book.update_id) == (7, 8, 9)
        assert book.bids.tolist() == [[100.0, 1.0], [99.0, 2.0]]
        assert book.asks.tolist() == [[101.0, 3.0]]
        assert book.bids.base is not None and not book.bids.flags.writeable
        assert 0 <= book.age_s < 5


def test_a_side_without_levels_is_empty_and_further_levels_are_cut_off(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        writer.write_book(KEY, 1, 1, 1, [], [1.0, 2.0] * 9)
        book = ring.book(KEY)
        assert book is not None
        assert (book.bids.shape, book.asks.shape) == ((0, 2), (5, 2))


def test_a_book_is_intact_until_the_ring_has_come_round(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        write(writer, 1)
        book = ring.book(KEY)
        assert book is not None
        for number in range(2, 2 + SMALL.books - 1):
            write(writer, number)
            assert book.is_intact and book.bids[0, 0] == 1
        write(writer, 99)
        assert not book.is_intact
        newest = ring.book(KEY)
        assert newest is not None and newest.update_id == 99


def test_a_key_without_a_book_has_none_and_an_unknown_key_is_named(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        with pytest.raises(RingError, match="the ring has no kraken:BTC/USD: expected one of no key yet"):
            ring["kraken:BTC/USD"]
        writer.write_trade(KEY, trade(1))
        assert ring.book(KEY) is None
        assert list(ring) == [KEY]
        with pytest.raises(RingError, match=f"the ring has no x: expected one of {KEY}"):
            ring.book("x")


def test_keys_beyond_the_slots_and_long_ones_are_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        write(writer, 1, key="v:" + "x" * 126)
        for number in range(6):
            write(writer, number, key=f"v:{number}")
        assert ring.keys() == ["v:0", "v:1", "v:2", "v:3"]
        assert writer.refused == {"v:" + "x" * 126, "v:4", "v:5"}


def test_trades_are_the_newest_in_order(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        slot = None
        for number in range(1, 12):
            writer.write_trade(KEY, trade(number))
            slot = slot or ring[KEY]
        assert slot is not None
        assert slot.trades()["price"].tolist() == list(range(4, 12))
        assert slot.trades(2)[["event_time", "size", "side"]].tolist() == [(10, 0.5, -1), (11, 0.5, -1)]


def test_ticks_have_nan_for_what_is_undefined(tmp_path: Path) -> None:
    required = dict.fromkeys(BookTick.__struct_fields__[: BookTick.__struct_fields__.index("flags") + 1])
    times = {"seq": 3, "start": 100, "end": 200, "event_time": 180, "updates": 2}
    tick = BookTick(**(required | times | {"state": "synced", "mid": 100.5}))  # type: ignore[arg-type]
    with opened(tmp_path) as (writer, ring):
        writer.write_tick(KEY, tick)
        (found,) = ring[KEY].ticks()
    assert [int(found[name]) for name in times] == list(times.values())
    assert found["mid"] == 100.5 and np.isnan(found["imbalance"])


def test_the_state_of_a_book_is_unknown_until_it_is_written(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        write(writer, 1)
        assert ring[KEY].state == State(None, 0)
        writer.write_state(KEY, "untrusted", 1_795_000_000_000)
        assert ring[KEY].state == State("untrusted", 1_795_000_000_000)
        writer.write_state(KEY, "untrusted", 1_795_000_009_000)  # said again
        assert ring[KEY].state == State("untrusted", 1_795_000_000_000)
        writer.write_state(KEY, "synced", 1_795_000_010_000)
        assert ring[KEY].state == State("synced", 1_795_000_010_000)


def write_until_killed(path: Path, started: Event) -> None:
    """Write books and states as fast as possible, in a process of its own."""
    writer, number = RingWriter(path, SMALL), 0
    while True:
        number += 1
        write(writer, number)
        writer.write_state(KEY, "gap" if number % 2 else "synced", number % 2)
        writer.beat()
        started.set()


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Process]:
    """A process that writes the segment."""
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=write_until_killed, args=(tmp_path / "test.ring", started))
    process.start()
    assert started.wait(30)
    yield process
    process.kill()  # no event: a killed process may hold its lock for ever
    process.join(10)


def test_no_reader_sees_a_mixture_of_two_books(tmp_path: Path, writing: Process) -> None:
    slot, seen, intact = Ring(tmp_path / "test.ring")[KEY], set(), 0
    while len(seen) < 5_000:
        book = slot.book()
        assert book is not None
        numbers = {book.update_id, book.event_time, *book.bids.ravel().tolist(), *book.asks.ravel().tolist()}
        if book.is_intact:
            intact += 1
            assert len(numbers) == 1, numbers
        seen.add(book.update_id)
        assert slot.state in ((None, 0), ("gap", 1), ("synced", 0))
    assert intact > 1_000


def test_a_second_writer_is_refused_and_one_after_a_death_takes_over(tmp_path: Path, writing: Process) -> None:
    path = tmp_path / "test.ring"
    with pytest.raises(RingError, match="another `depthflow ring` writes .*: stop it, or choose another --name"):
        RingWriter(path, SMALL)
    writing.kill()
    writing.join()
    with opened(tmp_path) as (second, _):
        write(second, 2)
        found = Ring(path).book(KEY)
        assert found is not None and found.update_id == 2


def test_a_writer_that_has_died_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as (writer, ring):
        write(writer, 1)
        slot = ring[KEY]
        later = time.monotonic_ns() + 4_000_000_000
        monkeypatch.setattr("ring.view.monotonic_ns", lambda: later)
        for read in (slot.book, slot.trades, slot.ticks, lambda: slot.state):
            with pytest.raises(WriterGone, match=r"has been silent for 4\.0 s: start `depthflow ring` and open"):
                read()


def test_a_writer_that_has_ended_is_noticed_at_once_and_its_segment_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path) as (writer, ring):
        write(writer, 1)
    with pytest.raises(WriterGone, match="has ended: start `depthflow ring` and open the ring again"):
        ring.book(KEY)
    with pytest.raises(RingError, match="no ring at .*test.ring: start one with `depthflow ring`"):
        Ring(tmp_path / "test.ring")


def test_other_versions_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.ring"
    RingWriter(path, SMALL)
    content = bytearray(path.read_bytes())
    content[8] = 99
    path.write_bytes(content)
    with pytest.raises(RingError, match=f"expected a ring of version {VERSION}, got version 99"):
        Ring(path)
    path.write_bytes(b"x" * 100)
    with pytest.raises(RingError, match=f"expected a ring of version {VERSION}, got another file"):
        Ring(path)
    path.write_bytes(b"x")
    with pytest.raises(RingError, match="is no ring: it has 1 bytes"):
        Ring(path)


def test_reader_opens_the_segment_of_a_name() -> None:
    name = f"depthflow-test-{os.getpid()}"
    writer = RingWriter(path_of(name), Layout(slots=1))
    try:
        write(writer, 5)
        book = open_ring(name).book(KEY)
        assert book is not None and book.update_id == 5
    finally:
        writer.close()
