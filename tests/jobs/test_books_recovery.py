"""Things die, and nonsense comes, in the middle of a run: committed data end as what the domain says, once."""

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
from tests.jobs.bad_input import BAD, FRAMES, KEY
from tests.jobs.desk import Desk, Record, kill_taskmanagers, wait_until

GENERATED = 60_000
MIDDLE = GENERATED // 2
KILL_AFTER = 10_000


def kill_worker(desk: Desk) -> None:
    wait_until(lambda: bool(desk.python_workers()), "a Python worker")
    for worker in desk.python_workers():
        worker.kill()


def kill_broker(desk: Desk) -> None:
    os.kill(desk.pid("kafka"), signal.SIGKILL)


KILLS: dict[str, tuple[Callable[[Desk], None], ...]] = {
    "process": (kill_worker,),
    "thread": (kill_taskmanagers, kill_broker),
}


@pytest.fixture(scope="module")
def good() -> list[Record]:
    """Generated frames of every venue, in the midst of them those of one more book."""
    envelopes = islice(Generator(Plan(gaps_per_1000=1, rate=100)), GENERATED)
    generated = [(*route(e.venue, e.channel, e.symbol), msgspec.json.encode(e)) for e in envelopes]
    one = [("orderbook.raw", KEY, value) for value in FRAMES]
    return [*generated[:MIDDLE], *one, *generated[MIDDLE:]]


@pytest.fixture(scope="module")
def expected(good: list[Record]) -> dict[str, Batch]:
    """What the domain makes of each key's records, whole."""
    values: defaultdict[str, list[bytes | None]] = defaultdict(list)
    for _, key, value in good:
        values[key or ""].append(value)
    return {key: open_keeper(key, KeeperConfig()).apply_all(each) for key, each in values.items()}


@pytest.fixture(scope="module", params=KILLS)
def desk(request: pytest.FixtureRequest, stack: Stack, good: list[Record], expected: dict[str, Batch]) -> Desk:
    """The desk of a run in that mode: bad input amid the one book's frames, the mode's kills one after the other."""
    mode, kills = request.param, KILLS[request.param]
    desk = Desk(stack, f"{mode}.")
    total = sum(len(batch.processed) for batch in expected.values())
    bad: list[Record] = [("orderbook.raw", key, value) for key, value in BAD.values()]
    records = [*good[: MIDDLE + 200], *bad, *good[MIDDLE + 200 :]]
    part = len(records) // len(kills) + 1
    with desk.running("books", options=[f"-Dpython.execution-mode={mode}"]):
        for number, kill in enumerate(kills):
            before = desk.count("orderbook.processed", "read_uncommitted")
            desk.send(records[number * part : (number + 1) * part])
            wait_until(
                lambda before=before: desk.count("orderbook.processed", "read_uncommitted") > before + KILL_AFTER,
                "the run to be under way",
            )
            kill(desk)
        wait_until(lambda: desk.count("orderbook.processed") >= total, "every record to be committed")
        wait_until(lambda: desk.count("deadletter") >= len(BAD), "the dead letters")
    return desk


def test_a_kill_loses_nothing_and_doubles_nothing(desk: Desk, expected: dict[str, Batch]) -> None:
    assert desk.read("orderbook.processed") == {key: batch.processed for key, batch in expected.items()}
    assert desk.read("trades") == {key: batch.trades for key, batch in expected.items() if batch.trades}


def test_bad_input_ends_as_dead_letters_and_spoils_nothing(desk: Desk) -> None:
    letters = [msgspec.json.decode(line) for lines in desk.read("deadletter").values() for line in lines]
    assert len(letters) == len(BAD)
    assert all(letter["reason"] and letter["topic"].endswith(".orderbook.raw") for letter in letters)
    assert {letter["length"] for letter in letters} == {len(value or b"") for _, value in BAD.values()}
