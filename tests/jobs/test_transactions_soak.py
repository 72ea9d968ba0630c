"""An hour of four jobs with a checkpoint a second: the broker's transactional ids and its heap stay flat.

Each checkpoint stores one id for each sink. The broker forgets ids after ten minutes here, the local stack's after a
day. No start searches for them.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

import msgspec
import pytest

from jobs import transactions
from jobs.submit import cancel, run_command, start, stop
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.broker import OwnBroker, own_broker
from tests.conftest import Stack
from tests.jobs.bad_input import KEY
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.soak import soak

FRESH_START_S = 60  # of which submission and start of Python take about twenty on two cores
RUN_S, MINUTE_S = 3600, 60
JOBS = ("books", "options", "alerts", "analytics")
SINKS = len(JOBS) - 1  # analytics writes to the database alone
EXPIRATION_S = 600
MOST_IDS = SINKS * (EXPIRATION_S + 2 * MINUTE_S) * 1.05  # a checkpoint a second, and the time between two clean-ups
SETTLED = RUN_S // MINUTE_S // 3  # of the moments: twice the expiration
PROPERTIES = {
    "transactional.id.expiration.ms": f"{EXPIRATION_S}000",
    "transaction.remove.expired.transaction.cleanup.interval.ms": f"{MINUTE_S}000",
    "producer.id.expiration.ms": f"{EXPIRATION_S}000",
    "producer.id.expiration.check.interval.ms": f"{MINUTE_S}000",
}

pytestmark = [soak, pytest.mark.timeout(RUN_S + 1200)]


@dataclass(frozen=True)
class Moment:
    """Transactional ids at the broker, those with an open transaction, and MiB of its heap after a collection."""

    ids: int
    open: int
    heap_mb: float


def frames() -> Iterator[bytes]:
    """Book frames of one symbol without end."""
    generated = Generator(Plan((instrument("binance", "COIN0000"),)))
    return (msgspec.json.encode(envelope) for envelope in generated if envelope.channel != "aggTrade")


def transactional_ids(system: IsolatedSystem, state: str | None = None) -> list[str]:
    with transactions._admin(system.settings) as admin:
        listed = admin.list_transactions(state_filters=[state] if state else None)
    prefix = system.settings.topic_prefix
    return [e.transactional_id for found in listed.values() for e in found if e.transactional_id.startswith(prefix)]


def committed(system: IsolatedSystem) -> int:
    """Records of the job that readers see. A book without state and snapshot publishes requests for one alone."""
    return sum(system.count(topic) for topic in ("orderbook.processed", "orderbook.resync", "orderbook.status"))


def submit(system: IsolatedSystem, job: str, state: str | None = None) -> None:
    start(run_command(system.cluster, job, [], state), system.settings)


def measured(system: IsolatedSystem, broker: OwnBroker) -> Iterator[Moment]:
    """A moment each minute of the run."""
    for _ in range(RUN_S // MINUTE_S):
        time.sleep(MINUTE_S)
        ids, ongoing = transactional_ids(system), transactional_ids(system, "Ongoing")
        yield Moment(len(ids), len(ongoing), round(broker.heap_bytes() / 1024**2, 1))


def test_ids_and_heap_are_flat_and_a_start_without_state_does_not_wait_for_the_ids(
    stack: Stack, tmp_path: Path
) -> None:
    ended, values = Event(), frames()
    with own_broker(tmp_path, lambda listeners: PROPERTIES) as broker:
        system = IsolatedSystem(replace(stack, kafka=broker.address), "ids.")

        def feed() -> None:
            while not ended.wait(0.1):
                system.send([("orderbook.raw", KEY, next(values))])

        feeding = Thread(target=feed)
        feeding.start()
        try:
            for job in JOBS:
                submit(system, job)
            wait_until(lambda: bool(system.count("orderbook.processed")), "the first records")
            moments = list(measured(system, broker))
            print(*moments, sep="\n")
            assert max(each.ids for each in moments) < MOST_IDS
            assert moments[SETTLED].ids > SINKS * EXPIRATION_S / 2  # else the flat numbers would show nothing
            assert max(each.open for each in moments) <= 2 * SINKS
            settled = [each.heap_mb for each in moments[SETTLED:]]
            third = len(settled) // 3
            assert sum(settled[-third:]) < 1.05 * sum(settled[:third])
            savepoint = stop(system.cluster, "books")
            count, started = committed(system), time.monotonic()
            submit(system, "books")
            wait_until(lambda: committed(system) > count, "records of the start without state")
            print(f"{time.monotonic() - started:.0f} s from the submission to records of the start without state")
            assert time.monotonic() - started < FRESH_START_S
            stop(system.cluster, "books")
            transactions.abort_open(system.settings, "books")
            assert not [each for each in transactional_ids(system, "Ongoing") if "books" in each]
            count = system.count("orderbook.processed")
            submit(system, "books", savepoint)
            wait_until(lambda: system.count("orderbook.processed") > count, "records after the resume")
        finally:
            ended.set()
            feeding.join()
            for job in JOBS:
                cancel(system.cluster, job)
