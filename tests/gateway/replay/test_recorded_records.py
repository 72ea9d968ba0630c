"""Raw records of one book from a folder of `depthflow record`."""

import json
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from core.settings import Settings
from gateway.replay.recorded_records import recorded_values
from gateway.replay.request import ReplayRequest, ReplayUnavailable
from gateway.replay.worker import replay_lines
from ingestion.archive.writer import Archive
from ingestion.rebuild import Rebuild
from market.orderbook.book_config import BookConfig
from tests.gateway.replay.test_rebuilt import FIXTURES, books, books_of
from venues.routing import route


def record(root: Path, path: Path) -> tuple[str, list[bytes], int, int]:
    """Record a fixture's first book and its neighbours; its key, values, and first and last append time (epoch ms)."""
    archive, offset, appended = Archive(root), 0, 0
    key, frames, _ = next(books_of(path))
    for each in frames:
        topic, _ = route(each.venue, each.channel, each.symbol)
        appended = max(appended, each.recv_us // 1000)
        value = msgspec.json.encode(each)
        for name in (key, f"{key}X"):
            raw = SimpleNamespace(partition=0, offset=offset, timestamp=appended, key=name.encode(), value=value)
            archive.append(topic, raw)
            offset += 1
    archive.close()
    values = [msgspec.json.encode(each) for each in frames]
    return key, values, frames[0].recv_us // 1000, appended


def request(key: str, root: Path, first: int, last: int, source: str = "auto") -> ReplayRequest:
    venue, _, symbol = key.partition(":")
    return ReplayRequest(venue, symbol, first, last, first, 0, source, str(root))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.parent.name)
def test_a_recording_gives_the_values_of_rebuild(path: Path, tmp_path: Path) -> None:
    key, values, first, last = record(tmp_path, path)
    assert sorted(recorded_values(request(key, tmp_path, first, last))) == sorted(values)
    frames = next(frames for name, frames, _ in books_of(path) if name == key)
    records = [json.loads(each) for each in Rebuild(BookConfig()).records(frames)]
    events = [json.loads(each) for each in replay_lines(request(key, tmp_path, first, last), Settings(_env_file=None))]
    assert events[0]["payload"]["source"] == "recording"
    by_id = {each["update_id"]: each for each in records}
    found = books(events)
    assert found and all({k: each[k] for k in records[0]} == by_id[each["update_id"]] for each in found)


def test_a_recording_without_the_span_says_so(tmp_path: Path) -> None:
    key, _, first, _ = record(tmp_path, FIXTURES[0])
    day = 86_400_000
    with pytest.raises(ReplayUnavailable, match="the recording has nothing of binance in the span"):
        next(recorded_values(request(key, tmp_path, first - 2 * day, first - day)))


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    answers = replay_lines(request("kraken:BTC/USD", tmp_path, 0, 1, "recording"), Settings(_env_file=None))
    assert [json.loads(each)["payload"]["reason"] for each in answers] == [
        "recording: the recording has nothing of kraken in the span"
    ]
