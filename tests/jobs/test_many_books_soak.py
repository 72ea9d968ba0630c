"""5,000 books of 200 levels a side through the default stack: complete, without a restart, in bounded memory."""

import time
from collections.abc import Iterator
from itertools import islice

import msgspec
import psutil
import pytest

from bench.load import plan
from core.records import Processed
from jobs.submit import cancel, run_command, start
from simulator.frame_generator import Generator
from stack.services import flink_rest
from stack.services.logs import log_tail
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, Record
from tests.soak import soak
from tests.stack_processes import running_pid
from venues.routing import route

pytestmark = [soak, pytest.mark.timeout(4 * 900)]
SYMBOLS, LEVELS = 5_000, 20  # levels of a frame; a book has 200 a side
ROUND = 10 * SYMBOLS
ROUNDS = 3
ROUND_S = 900  # on a busy machine
PYTHON_BYTES = 300 * 1024**2  # of the interpreter and the libraries in a TaskManager


class Bound:
    """Largest resident memory of the TaskManager that runs the job."""

    def __init__(self, stack: Stack) -> None:
        settings = stack.settings
        (busy,) = (each.id for each in flink_rest.taskmanagers(settings) if not each.idle)
        self.name, self.largest = busy, 0
        self._process = psutil.Process(running_pid(settings.home, busy))
        self.limit = settings.taskmanager_bytes + settings.builder_cache_mb * 1024**2 + PYTHON_BYTES

    def sample(self) -> None:
        self.largest = max(self.largest, self._process.memory_info().rss)


class NewestIds:
    """Newest update id of each committed book, and the number of records."""

    def __init__(self, system: IsolatedSystem) -> None:
        self.ids: dict[str, int] = {}
        self.records = 0
        self._system, self._offsets = system, [0, 0]
        self._decode = msgspec.json.Decoder(Processed).decode

    def read(self) -> None:
        """Read the records that were committed since the last call."""
        for message in self._system.messages("orderbook.processed", "read_committed", self._offsets):
            self.ids[(message.key() or b"").decode()] = self._decode(message.value() or b"").update_id
            self.records += 1


def test_5000_books_of_200_levels_are_complete_within_the_memory_of_a_taskmanager(stack: Stack) -> None:
    system, sent_ids = IsolatedSystem(stack, "many."), dict[str, int]()
    found = NewestIds(system)
    generated = iter(Generator(plan("binance", SYMBOLS, LEVELS)))

    def records(count: int) -> Iterator[Record]:
        for envelope in islice(generated, count):
            topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
            if envelope.channel.startswith("depth"):
                sent_ids[key] = msgspec.json.decode(envelope.frame)["data"]["u"]
            yield topic, key, msgspec.json.encode(envelope)

    start(run_command(system.cluster, "books", [], None), system.settings)
    try:
        used = []
        for number in range(ROUNDS):
            system.send(records(ROUND + 5 * SYMBOLS * (not number)))
            bound, began, before = Bound(stack), time.monotonic(), found.records
            while found.ids != sent_ids:
                bound.sample()
                assert time.monotonic() - began < ROUND_S, f"{len(found.ids)} of {SYMBOLS} books"
                time.sleep(1)
                found.read()
            done, took_s = found.records - before, time.monotonic() - began
            used.append(bound.largest)
            print(f"{done:,} records in {took_s:.0f} s; {bound.name}: {bound.largest >> 20} MiB")
            assert bound.largest < bound.limit
        assert used[-1] < 1.1 * used[-2]
        (job,) = (each for each in flink_rest.jobs(stack.settings) if each.name == "many.books")
        assert not job.restarts and not system.count("deadletter")
        assert "OutOfMemory" not in log_tail(stack.home, bound.name)
    finally:
        cancel(system.cluster, "books")
