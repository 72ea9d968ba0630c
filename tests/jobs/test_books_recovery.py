"""Something is killed in the middle of a run: whoever reads committed data ends with what the domain says, once."""

import os
import signal
from collections import defaultdict
from collections.abc import Callable
from itertools import islice

import msgspec
import pytest

from ingestion.generator import Generator, Plan
from ingestion.routing import route
from market.batch import Batch
from market.config import KeeperConfig
from market.keeper import open_keeper
from tests.conftest import Stack
from tests.jobs.desk import Desk, Record, kill_taskmanagers, wait_until

FRAMES = 60_000
KILL_AFTER = 10_000


def kill_worker(desk: Desk) -> None:
    wait_until(lambda: bool(desk.python_workers()), "a Python worker")
    for worker in desk.python_workers():
        worker.kill()


def kill_broker(desk: Desk) -> None:
    os.kill(desk.pid("kafka"), signal.SIGKILL)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    envelopes = islice(Generator(Plan(gaps_per_1000=1, rate=100)), FRAMES)
    return [(*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e)) for e in envelopes]


@pytest.fixture(scope="module")
def expected(records: list[Record]) -> dict[str, Batch]:
    """What the domain makes of each key's records, whole."""
    values: defaultdict[str, list[bytes | None]] = defaultdict(list)
    for _, key, value in records:
        values[key or ""].append(value)
    return {key: open_keeper(key, KeeperConfig()).apply_all(each) for key, each in values.items()}


@pytest.mark.parametrize(
    ("mode", "kill"),
    [("process", kill_worker), ("thread", kill_taskmanagers), ("thread", kill_broker)],
    ids=["python-worker", "taskmanager", "broker"],
)
def test_a_kill_loses_nothing_and_doubles_nothing(
    stack: Stack, records: list[Record], expected: dict[str, Batch], mode: str, kill: Callable[[Desk], None]
) -> None:
    desk = Desk(stack, f"{kill.__name__}.")
    total = sum(len(batch.processed) for batch in expected.values())
    with desk.running("books", f"-Dpython.execution-mode={mode}"):
        desk.send(records)
        wait_until(
            lambda: desk.count("orderbook.processed", "read_uncommitted") > KILL_AFTER, "the run to be under way"
        )
        kill(desk)
        wait_until(lambda: desk.count("orderbook.processed") >= total, "every record to be committed")
    assert desk.read("orderbook.processed") == {key: batch.processed for key, batch in expected.items()}
    assert desk.read("trades") == {key: batch.trades for key, batch in expected.items()}
