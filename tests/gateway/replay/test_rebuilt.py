"""Replayed books equal those of `depthflow rebuild` on the same frames."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.records import Envelope
from gateway.replay.rebuilt import rebuilt_events
from gateway.replay.request import ReplayRequest, ReplayUnavailable, line
from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from tests.recorded_frames import recorded_path
from venues.routing import route

FIXTURES = sorted(recorded_path("fixtures/").glob("*/envelopes.jsonl"))
CONFIG = BookConfig()
Event = dict[str, Any]


def envelopes(path: Path) -> dict[str, list[Envelope]]:
    """Envelopes of each book of a recording."""
    found: dict[str, list[Envelope]] = {}
    for each in Recording(path):
        topic, key = route(each.venue, each.channel, each.symbol)
        if topic != "options.raw":
            found.setdefault(key, []).append(each)
    return found


def replayed(key: str, frames: Iterable[Envelope], **given: int) -> list[Event]:
    """Events of a replay of one book; by default of everything."""
    venue, _, symbol = key.partition(":")
    span = {"from_ms": 0, "to_ms": 2**50, "start_ms": 0} | given
    request = ReplayRequest(venue, symbol, **span)
    values: Iterator[bytes] = map(msgspec.json.encode, frames)
    lines = rebuilt_events(values, request, CONFIG, "topic", lambda time_ms: line(time_ms, "progress", {}))
    return [json.loads(each) for each in lines]


def books(events: list[Event]) -> list[Event]:
    return [each["payload"] for each in events if each["event"] == "book_record"]


def books_of(path: Path) -> Iterator[tuple[str, list[Envelope], list[Event]]]:
    """Key, frames and processed records of `depthflow rebuild`, of each book that was in sync."""
    for key, frames in envelopes(path).items():
        records = [json.loads(each) for each in Rebuild(CONFIG).records(frames)]
        if records:
            yield key, frames, records


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.parent.name)
def test_every_value_equals_that_of_rebuild(path: Path) -> None:
    for key, frames, records in books_of(path):
        by_id = {(record["update_id"], record["recv_us"]): record for record in records}
        found = books(replayed(key, frames))
        assert len(found) >= 0.9 * len(by_id)  # of updates that a snapshot bridged to at once, the last has levels
        for book in found:
            record = by_id[book["update_id"], book["recv_us"]]
            assert {name: book[name] for name in record} == record
            assert (book["bids"][0][0], book["asks"][0][0]) == (record["best_bid"], record["best_ask"])
        assert found[-1]["update_id"] == records[-1]["update_id"]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.parent.name)
def test_a_span_begins_with_the_book_before_it_and_its_state(path: Path) -> None:
    key, frames, records = next(books_of(path))
    begin = records[len(records) // 2]["recv_us"] // 1000 + 1
    events = replayed(key, frames, from_ms=begin)
    header, status, first = events[:3]
    assert (header["event"], header["payload"]["source"], header["payload"]["depth"]) == ("header", "topic", True)
    assert (status["event"], status["time"], first["time"]) == ("status", begin, begin)
    before = [each for each in books(replayed(key, frames)) if each["recv_us"] // 1000 < begin]
    assert {k: v for k, v in first["payload"].items() if k != "since"} == {
        k: v for k, v in before[-1].items() if k != "since"
    }
    assert first["payload"]["trusted"] == status["payload"]["trusted"]


def test_books_are_conflated_and_the_newest_one_stays() -> None:
    key, frames, records = next(books_of(FIXTURES[0]))
    events = replayed(key, frames, every_ms=1_000)
    times = [each["time"] for each in events if each["event"] == "book_record"]
    assert 1 < len(times) < len(records)
    changes = sum(each["event"] == "status" for each in events)  # before each of them the newest book is sent
    assert sum(later - earlier < 1_000 for earlier, later in pairwise(times)) <= 2 * changes
    assert books(events)[-1]["update_id"] == records[-1]["update_id"]


def test_events_are_in_the_order_of_time_and_the_end_counts_them() -> None:
    for path in FIXTURES:
        for key, frames, _ in books_of(path):
            events = replayed(key, frames)
            inner = [each["time"] for each in events[1:-1] if each["event"] == "book_record"]
            assert inner == sorted(inner)
            end = events[-1]["payload"]
            trades = sum(each["event"] == "trade" for each in events)
            assert end == {"complete": True, "reason": None, "books": len(inner), "trades": trades}


def test_a_book_that_is_never_in_sync_has_no_replay() -> None:
    key, frames, _ = next(books_of(FIXTURES[0]))
    with pytest.raises(ReplayUnavailable, match="no snapshot of the book lies before the end of the span"):
        replayed(key, (each for each in frames if each.channel != "snapshot"))


def test_a_span_with_too_many_events_ends_early_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.replay.rebuilt.MAX_BYTES", 10_000)
    key, frames, _ = next(books_of(FIXTURES[0]))
    end = replayed(key, frames)[-1]["payload"]
    assert not end["complete"] and "choose a shorter one" in end["reason"]
