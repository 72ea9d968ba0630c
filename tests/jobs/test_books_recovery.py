"""Kills and bad input in the middle of a run: committed output is that of the domain, each record once."""

from collections import defaultdict
from collections.abc import Callable
from itertools import islice

import msgspec
import pytest

from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from stack.services import lifecycle
from stack.services.progress import Progress
from tests.conftest import Stack
from tests.jobs.bad_input import BAD, FRAMES, KEY
from tests.jobs.isolated_system import IsolatedSystem, Record, kill_stack, kill_taskmanagers, wait_until
from venues.registry import open_builder
from venues.routing import route

GENERATED = 40_000
MIDDLE = GENERATED // 2
KILL_AFTER = 6_000
pytestmark = pytest.mark.timeout(900)  # several starts on a busy machine


def kill_worker(system: IsolatedSystem) -> None:
    wait_until(lambda: bool(system.python_workers()), "a Python worker")
    for worker in system.python_workers():
        worker.kill()


def kill_broker(system: IsolatedSystem) -> None:
    system.kill("kafka")


def kill_jobmanager(system: IsolatedSystem) -> None:
    system.kill("jobmanager")


def reboot(system: IsolatedSystem) -> None:
    """Kill every process of the stack at once and start it again, without a submission."""
    kill_stack(system.stack)
    lifecycle.up(system.stack.settings, Progress())


KILLS: dict[str, tuple[str, tuple[Callable[[IsolatedSystem], None], ...]]] = {
    "process": ("process", (kill_worker,)),
    "thread": ("thread", (kill_taskmanagers, kill_broker)),
    "manager": ("thread", (kill_jobmanager, reboot)),
}


@pytest.fixture(scope="module")
def good() -> list[Record]:
    """Generated frames of every venue, and in the middle those of one more book."""
    envelopes = islice(Generator(Plan(gaps_per_1000=1, rate=100)), GENERATED)
    generated = [(*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e)) for e in envelopes]
    one = [("orderbook.raw", KEY, value) for value in FRAMES]
    return [*generated[:MIDDLE], *one, *generated[MIDDLE:]]


@pytest.fixture(scope="module")
def expected(good: list[Record]) -> dict[str, Batch]:
    """Output of the domain for all records of each key."""
    values: defaultdict[str, list[bytes | None]] = defaultdict(list)
    for _, key, value in good:
        values[key or ""].append(value)
    return {key: open_builder(key, BookConfig()).apply_all(each) for key, each in values.items()}


@pytest.fixture(scope="module", params=KILLS)
def system(
    request: pytest.FixtureRequest, stack: Stack, good: list[Record], expected: dict[str, Batch]
) -> IsolatedSystem:
    """A system after a run with those kills in turn, and bad input within the frames of one book."""
    mode, kills = KILLS[request.param]
    if reboot in kills and request.config.getoption("--stack") == "containers":
        pytest.skip("only a stack whose processes are all embedded can be killed as a whole")
    system = IsolatedSystem(stack, f"{request.param}.")
    total = sum(len(batch.processed) for batch in expected.values())
    bad: list[Record] = [("orderbook.raw", key, value) for key, value in BAD.values()]
    records = [*good[: MIDDLE + 200], *bad, *good[MIDDLE + 200 :]]
    part = len(records) // len(kills) + 1
    with system.running("books", options=[f"-Dpython.execution-mode={mode}"]):
        for number, kill in enumerate(kills):
            before = system.count("orderbook.processed", "read_uncommitted")
            system.send(records[number * part : (number + 1) * part])
            wait_until(
                lambda before=before: system.count("orderbook.processed", "read_uncommitted") > before + KILL_AFTER,
                "the run to be in progress",
            )
            kill(system)
        wait_until(lambda: system.count("orderbook.processed") >= total, "every record to be committed")
        wait_until(lambda: system.count("deadletter") >= len(BAD), "the dead letters")
    return system


def test_a_kill_loses_and_duplicates_nothing(system: IsolatedSystem, expected: dict[str, Batch]) -> None:
    assert system.read("orderbook.processed") == {key: batch.processed for key, batch in expected.items()}
    assert system.read("trades") == {key: batch.trades for key, batch in expected.items() if batch.trades}


def test_bad_input_becomes_dead_letters_and_changes_nothing_else(system: IsolatedSystem) -> None:
    letters = [msgspec.json.decode(line) for lines in system.read("deadletter").values() for line in lines]
    assert len(letters) == len(BAD)
    assert all(letter["reason"] and letter["topic"].endswith(".orderbook.raw") for letter in letters)
    assert {letter["length"] for letter in letters} == {len(value or b"") for _, value in BAD.values()}
