"""The answer about the pipeline: figures of jobs and processes, and a sentence for each part that is unavailable."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.scrape_targets import scrape_target, targets_folder, unobserved_targets_folder
from gateway.metrics import GatewayMetrics
from gateway.pipeline.documents import PipelineAnswer
from gateway.pipeline.overview import Pipeline
from gateway.pipeline.targets import parse_targets, registered_targets
from tests.gateway.pipeline.fake_cluster import FLINK, FORWARDER, METRICS, NOW_MS, VERTEX, answering

NOWHERE = "127.0.0.1:1"


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def read(
    flink: str,
    home: Path,
    targets: str = "",
    then: Callable[[Pipeline, Clock], Awaitable[PipelineAnswer]] | None = None,
) -> PipelineAnswer:
    """The answer of a new pipeline, or of a later reading."""

    async def measured() -> PipelineAnswer:
        clock = Clock()
        own = ("127.0.0.1:8000", GatewayMetrics())
        pipeline = Pipeline(flink, parse_targets(targets), home, own, clock=clock, wall=lambda: NOW_MS / 1000)
        try:
            first = await pipeline.read()
            return await then(pipeline, clock) if then else first
        finally:
            await pipeline.close()

    return asyncio.run(measured())


def test_a_job_has_its_figures_by_venue(tmp_path: Path) -> None:
    with answering(FLINK) as flink:
        found = read(f"http://user:secret@{flink.address}", tmp_path)
    books, cache = found.jobs
    assert (books.name, books.state, books.reasons, books.restarts) == ("t.books", "RUNNING", [], 1)
    assert (books.checkpoint_age_ms, books.checkpoint_duration_ms, books.busy_share) == (900, 60, 0.12)
    assert books.records_behind == 5
    venue = books.venues[0]
    assert (venue.venue, venue.gaps, venue.dead_letters, venue.books, venue.out_of_sync) == ("kraken", 2, 1, 3, 1)
    assert (venue.lag_ms, venue.prompt_share) == (40.0, pytest.approx(980 / 990))
    assert (books.dead_letters, cache.dead_letters, found.totals.dead_letters) == (5, 0, 5)  # four were not stored
    assert (cache.state, cache.reasons, cache.checkpoints_failed) == ("FAILED", ["it has ended: failed"], 4)
    assert (found.totals.books, found.totals.gaps, found.totals.checkpoint_age_ms) == (3, 2, 900)
    assert [each.address for each in found.sources if each.name == "flink"] == [flink.address]
    assert found.away == ["job t.cache: it has ended: failed"]


def test_only_needed_metrics_are_asked_for_and_once_a_second_for_all_clients(tmp_path: Path) -> None:
    async def many(pipeline: Pipeline, clock: Clock) -> PipelineAnswer:
        answers = await asyncio.gather(*(pipeline.read() for _ in range(50)))
        assert all(each is answers[0] for each in answers)
        clock.now_s += 1
        return await pipeline.read()

    with answering(FLINK) as flink:
        read(f"http://{flink.address}", tmp_path, then=many)
    assert flink.asked.count("/jobs/overview") == 2
    listed = [path for path in flink.asked if path.startswith(VERTEX)]
    assert len(listed) == 3 and listed.count(VERTEX) == 1
    assert "numBuffersInLocal" not in listed[1] and "venue.kraken.frames" in listed[1]


def test_metrics_that_flink_has_not_collected_yet_are_asked_for_again(tmp_path: Path) -> None:
    answers = FLINK | {VERTEX: []}

    async def later(pipeline: Pipeline, clock: Clock) -> PipelineAnswer:
        answers[VERTEX] = FLINK[VERTEX]
        clock.now_s += 1
        return await pipeline.read()

    with answering(answers) as flink:
        found = read(f"http://{flink.address}", tmp_path, then=later)
    assert [venue.venue for venue in found.jobs[0].venues] == ["kraken"]


def test_rates_are_increases_over_the_time_between_readings(tmp_path: Path) -> None:
    answers = dict(FLINK)

    async def later(pipeline: Pipeline, clock: Clock) -> PipelineAnswer:
        answers[VERTEX] = [
            each | {"sum": 1_500.0} if each["id"].endswith(".frames") else each for each in FLINK[VERTEX]
        ]
        clock.now_s += 10
        return await pipeline.read()

    with answering(answers) as flink:
        found = read(f"http://{flink.address}", tmp_path, then=later)
    assert METRICS["Process.depthflow.venue.kraken.frames"] == 1_000
    assert found.jobs[0].venues[0].frames_per_s == found.totals.frames_per_s == 50.0


def test_a_process_says_why_it_is_not_ready(tmp_path: Path) -> None:
    with answering(FORWARDER) as forwarder:
        found = read("", tmp_path, f"forwarder={forwarder.address}")
    row = next(each for each in found.processes if each.kind == "forwarder")
    assert (row.up, row.venue, row.connections, row.connections_wanted) == (True, "kraken", 1, 2)
    assert (row.gaps, row.newest_age_ms, row.lost) == (3, 31_000.0, None)
    reason = "BTC/USD book: newest frame 31 s old, expected within 30 s"
    assert found.away == [f"forwarder of kraken at {forwarder.address} is not ready: {reason}"]
    assert (found.totals.forwarders, found.totals.forwarders_up) == (1, 0)


def test_what_is_away_is_said_with_the_cause(tmp_path: Path) -> None:
    found = read(f"http://{NOWHERE}", tmp_path, f"notify={NOWHERE}")
    assert found.jobs == [] and found.totals.frames_per_s is None
    cause = "Connection refused"
    assert found.away == [f"flink at {NOWHERE} is unavailable: {cause}", f"notify at {NOWHERE} is unavailable: {cause}"]


@pytest.mark.parametrize(
    ("answer", "cause"), [("<html>", "its answer is not JSON"), ({"jobs": 7}, "its answer is not Flink's: TypeError")]
)
def test_a_server_that_is_not_flink_is_said(answer: Any, cause: str, tmp_path: Path) -> None:
    with answering({"/jobs/overview": answer}) as other:
        assert read(f"http://{other.address}", tmp_path).away == [f"flink at {other.address} is unavailable: {cause}"]


@pytest.mark.parametrize("folder", [targets_folder, unobserved_targets_folder])
def test_processes_of_the_local_stack_register_themselves(folder: Callable[[Path], Path], tmp_path: Path) -> None:
    folder(tmp_path).mkdir(parents=True)
    (folder(tmp_path) / "broken.json").write_text("{")
    with scrape_target(tmp_path, "forwarder", NOWHERE, venue="kraken"):
        found = registered_targets(tmp_path)
    assert [(each.kind, each.address, each.venue) for each in found] == [("forwarder", NOWHERE, "kraken")]


def test_a_target_without_a_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected KIND=HOST:PORT with kind one of forwarder, .* got '127.0.0.1:9'"):
        parse_targets("ring=127.0.0.1:2140, 127.0.0.1:9")
