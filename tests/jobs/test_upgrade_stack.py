"""Rescale, upgrade and return of a job under load: committed output has every record, each once."""

from collections import defaultdict
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from jobs import submit as submission
from jobs import upgrade as upgrading
from jobs.submit import JOBS, cancel
from jobs.upgrade import UpgradeError
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from stack.cli.upgrade import submit
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, Record, wait_until
from venues.registry import open_builder
from venues.routing import route

GENERATED = 8_000
BROKEN = """
from jobs.books import define_spec, define_workflow
import jobs.books, jobs.operators

class Broken(jobs.operators.BuilderOperator):
    def open(self, runtime_context):
        raise RuntimeError("the new code does not work")

import jobs.pipeline
jobs.pipeline.BuilderOperator = Broken
jobs.books.main()
"""
pytestmark = pytest.mark.timeout(900)  # several starts on a busy machine


def test_no_record_is_lost_or_doubled(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = IsolatedSystem(stack, "upgrade.")
    envelopes = islice(Generator(Plan(gaps_per_1000=1, rate=100)), GENERATED)
    records: list[Record] = [(*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e)) for e in envelopes]
    quarter = GENERATED // 4

    def started_with(parallelism: int) -> None:
        upgrading.upgrade(
            lambda: submission.stop(system.cluster, "books"),
            lambda savepoint: submit(system.settings, "books", savepoint, parallelism),
            lambda: upgrading.wait_up(system.cluster, "books"),
            lambda savepoint: submit(system.settings, "books", savepoint, 1),
        )

    submission.run(submission.run_command(system.cluster, "books", [], None), system.settings)
    try:
        system.send(records[:quarter])
        started_with(2)
        system.send(records[quarter : 2 * quarter])
        started_with(1)
        system.send(records[2 * quarter : 3 * quarter])
        (tmp_path / "books.py").write_text(BROKEN)
        with monkeypatch.context() as changed:
            changed.setitem(JOBS, "books", str(tmp_path / "books.py"))
            with pytest.raises(UpgradeError, match="runs as before"):
                upgrading.upgrade(
                    lambda: submission.stop(system.cluster, "books"),
                    lambda savepoint: submit(system.settings, "books", savepoint, 1),
                    lambda: upgrading.wait_up(system.cluster, "books"),
                    lambda savepoint: (changed.undo(), submit(system.settings, "books", savepoint, 1))[-1],
                )
        system.send(records[3 * quarter :])
        values: defaultdict[str, list[bytes | None]] = defaultdict(list)
        for _, key, value in records:
            values[key or ""].append(value)
        expected = {key: open_builder(key, BookConfig()).apply_all(each).processed for key, each in values.items()}
        total = sum(map(len, expected.values()))
        wait_until(lambda: system.count("orderbook.processed") >= total, "every record to be committed")
        assert system.read("orderbook.processed") == {key: lines for key, lines in expected.items() if lines}
    finally:
        cancel(system.cluster, "books")
