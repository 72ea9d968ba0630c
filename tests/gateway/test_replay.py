"""Replays of a running gateway: the source is named, spans are bounded, a rebuilding process ends with its client."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.gateway.conftest import Backend, Served, serving
from tests.gateway.feeder import Feeder
from tests.gateway.replay.test_rebuilt import FIXTURES, books
from tests.gateway.replay.test_recorded_records import record

CALL = "/api/replay/kraken/BTC/USD"
HOUR_MS = 3_600_000


def events(answer: Any) -> list[dict[str, Any]]:
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.body
    return [json.loads(each) for each in answer.body.splitlines()]


def test_without_frames_the_database_gives_metrics_alone_and_says_why(
    gateway: Served, feeder: Feeder, admin: str
) -> None:
    now_ms = int(time.time() * 1000)
    found = events(gateway.get(f"{CALL}?from={now_ms - HOUR_MS}&to={now_ms}", admin))
    header, end = found[0]["payload"], found[-1]["payload"]
    assert (header["source"], header["depth"]) == ("database", False)
    assert header["reason"].startswith("topic: no broker answers at ")
    book = books(found)[0]
    assert (book["mid"], book["bids"], book["asks"]) == (100.5, [[100.0, 1.0]], [[101.0, 2.0]])
    states = [each["payload"]["state"] for each in found if each["event"] == "status"]
    assert states[:3] == ["synced", "gap", "synced"]
    assert {each["event"] for each in found} == {"header", "status", "alert", "book_record", "end"}
    assert end["complete"] and end["books"] == len(books(found))


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("from=0", 422, "from: expected a time at most 3600 s before `to`"),
        ("from=2&to=1", 422, "from: expected a time at most 3600 s before `to`"),
        ("from=0&to=1", 404, "nothing of kraken:BTC/USD is stored in the span"),
        ("from=0&to=1&source=topic", 404, "kraken:BTC/USD: topic: no broker answers at "),
        ("from=0&to=1&source=recording", 404, "kraken:BTC/USD: recording: REPLAY_RECORDING names no folder"),
    ],
)
def test_a_span_that_is_not_there_is_refused(gateway: Served, admin: str, query: str, status: int, detail: str) -> None:
    answer = gateway.get(f"{CALL}?{query}", admin)
    assert answer.status == status and answer.json["detail"].startswith(detail)


def test_a_viewer_may_not_replay(gateway: Served) -> None:
    answer = gateway.get(CALL, gateway.account("viewer"))
    assert answer.json["detail"] == "this call needs the role analyst, the account has viewer"


def test_a_recording_is_rebuilt_by_a_process_that_ends_with_its_client(backend: Backend, tmp_path: Path) -> None:
    key, _, first, last = record(tmp_path / "recording", FIXTURES[0])
    path = f"/api/replay/{key.replace(':', '/')}?from={first}&to={last}&every_ms=0"
    with serving(backend.environment(replay_recording=tmp_path / "recording"), tmp_path) as served:
        assert served.process is not None
        token = served.login()["token"]
        found = events(served.get(path, token))
        assert (found[0]["payload"]["source"], found[0]["payload"]["depth"]) == ("recording", True)
        assert len(books(found)) == found[-1]["payload"]["books"] > 10
        headers = {"Authorization": f"Bearer {token}"}
        with urlopen(Request(served.url + path, headers=headers), timeout=20) as response:
            assert json.loads(response.readline())["event"] == "header"
        until = time.monotonic() + 20
        while psutil.Process(served.process.pid).children():
            assert time.monotonic() < until, "the rebuilding process goes on"
            time.sleep(0.05)
