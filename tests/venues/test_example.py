"""The example of docs/add-a-venue.md: one folder and one simulator file make an exchange."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import tests.venues
from core.topics import RAW_BOOKS, RAW_TRADES
from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.builder import BookConfig
from simulator import Config, simulator
from simulator.faults import Gap, IdReset
from simulator.frame_generator import Generator, Plan
from simulator.plants import Plant
from simulator.registry import SIMULATORS, choose
from tests.ingestion.forwarder.harness import eventually, forwarding, wait_until_books_match, within_a_minute
from tests.venues import example_simulator
from venues.frame_info import FrameInfo
from venues.registry import VENUES, by_id, discover
from venues.routing import route

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/add-a-venue.md"
EXAMPLE = ROOT / "tests/venues/example"
RECORDED = EXAMPLE / "recorded.jsonl"


@pytest.fixture(autouse=True)
def example_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the exchange and its simulator, as discovery does for installed ones."""
    for venue in discover(tests.venues):
        monkeypatch.setitem(VENUES, venue.id, venue)
    for simulated in example_simulator.VENUES:
        monkeypatch.setitem(SIMULATORS, simulated.id, simulated)


def rebuild(path: Path) -> tuple[Rebuild, list[dict[str, object]]]:
    """The rebuild of a recording and its processed records."""
    made = Rebuild(BookConfig())
    return made, [msgspec.json.decode(line) for line in made.records(Recording(path))]


def test_its_frames_are_classified() -> None:
    classify = VENUES["example"].open_classifier()
    infos = [classify(line) for line in RECORDED.read_bytes().splitlines()]
    assert infos == [
        FrameInfo("subscribed", forwarded=False),
        FrameInfo("book", "BTC-USD", 1_767_225_600_000_000),
        FrameInfo("book", "BTC-USD", 1_767_225_600_100_000),
        FrameInfo("trades", "BTC-USD", 1_767_225_600_150_000),
        FrameInfo("heartbeat", forwarded=False),
        FrameInfo("book", "BTC-USD", 1_767_225_600_200_000),
    ]


def test_its_channels_have_topics() -> None:
    assert route("example", "book", "BTC-USD") == (RAW_BOOKS.name, "example:BTC-USD")
    assert route("example", "trades", "BTC-USD") == (RAW_TRADES.name, "example:BTC-USD")


def test_its_recording_is_recognised_and_rebuilt() -> None:
    rebuilt, rows = rebuild(RECORDED)
    assert [(row["venue"], row["update_id"], row["best_bid"]) for row in rows] == [
        ("example", 10, 100.0),
        ("example", 11, 100.5),
        ("example", 12, 100.0),
    ]
    assert not rebuilt.reject_reasons and not rebuilt.out_of_sync


def test_a_lost_message_is_a_gap(tmp_path: Path) -> None:
    lines = RECORDED.read_bytes().splitlines(keepends=True)
    path = tmp_path / "lost.jsonl"
    path.write_bytes(b"".join(line for line in lines if b'"seq":11' not in line))
    rebuilt, rows = rebuild(path)
    assert [row["update_id"] for row in rows] == [10] and rebuilt.out_of_sync == ["example:BTC-USD"]


def test_generated_frames_rebuild_the_generators_book(tmp_path: Path) -> None:
    generator = Generator(Plan(choose({"example"}, set())))
    frames = [bytes(envelope.frame) for envelope, _ in zip(generator, range(200), strict=False) if envelope.frame]
    path = tmp_path / "generated.jsonl"
    path.write_bytes(b"\n".join(frames))
    rebuilt, rows = rebuild(path)
    assert len(rows) > 100 and not rebuilt.reject_reasons and not rebuilt.out_of_sync


@within_a_minute
async def test_its_books_are_forwarded_from_the_simulator(tmp_path: Path) -> None:
    async with simulator(Config("example")) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        assert all(running.broker.states(symbol) == ["synced"] for symbol in exchange.config.traded)
    assert running.broker.rejects == []


@within_a_minute
async def test_conditions_that_raise_alerts_can_be_planted_in_its_markets() -> None:
    async with simulator(Config("example", running=False)) as exchange:
        before = exchange.reference_book("BTC-USD").update_id
        exchange.plant(Plant("BTC-USD", "imbalance"))
        assert exchange.reference_book("BTC-USD").update_id == before + 1


@within_a_minute
async def test_a_lost_frame_is_recovered_by_a_new_subscription(tmp_path: Path) -> None:
    async with simulator(Config("example", rate=80)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        exchange.inject(Gap(symbol="BTC-USD"))
        await eventually(lambda: running.broker.states("BTC-USD") == ["synced", "gap", "synced"])
        await wait_until_books_match(running, exchange)
        assert running.broker.states("ETH-USD") == ["synced"]


@pytest.mark.parametrize("fault", [IdReset(), IdReset(close=True)], ids=["open connections", "closed connections"])
@within_a_minute
async def test_ids_that_restart_lower_are_a_gap(fault: IdReset, tmp_path: Path) -> None:
    async with simulator(Config("example", rate=80)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        exchange.inject(fault)
        await eventually(lambda: all("gap" in running.broker.states(symbol) for symbol in exchange.config.traded))
        await wait_until_books_match(running, exchange)
    assert running.broker.rejects == []


def test_an_old_snapshot_does_not_replace_a_newer_book(tmp_path: Path) -> None:
    lines = RECORDED.read_bytes().splitlines(keepends=True)
    path = tmp_path / "old.jsonl"
    path.write_bytes(b"".join([*lines[:3], lines[1], *lines[3:]]))
    rebuilt, rows = rebuild(path)
    assert [row["update_id"] for row in rows] == [10, 11, 12] and not rebuilt.out_of_sync


def test_a_venue_of_another_distribution_is_found_by_its_entry_point(tmp_path: Path) -> None:
    metadata = tmp_path / "depthflow_example-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: depthflow-example\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[depthflow.venues]\nexample = tests.venues.example\n")
    done = subprocess.run(
        [sys.executable, "-m", "stack", "rebuild", str(RECORDED)],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        check=True,
    )
    assert [msgspec.json.decode(line)["update_id"] for line in done.stdout.splitlines()] == [10, 11, 12]


def test_two_venues_with_one_id_are_an_error() -> None:
    (venue,) = discover(tests.venues)
    with pytest.raises(ValueError, match="^two venues have the id 'example': rename one of them$"):
        by_id([venue, replace(venue)])


def test_the_page_shows_the_files_of_the_example() -> None:
    shown = dict(
        re.findall(r"^`([\w/.]+)`:\n\n```(?:python|json)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    )
    files = {f"venues/example/{path.name}": path for path in sorted(EXAMPLE.iterdir()) if path.is_file()}
    files["simulator/venues/example.py"] = EXAMPLE.parent / "example_simulator.py"
    files["tests/venues/example/recorded.jsonl"] = files.pop("venues/example/recorded.jsonl")
    assert shown == {name: path.read_text().replace("tests.venues.", "venues.") for name, path in files.items()}
