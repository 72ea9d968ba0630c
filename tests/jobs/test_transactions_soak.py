"""Transactional ids on the real stack: one for each checkpoint with output, and none to search for at a start."""

import time
from collections.abc import Iterator
from threading import Event, Thread

import msgspec
import pytest

from jobs import transactions
from jobs.submit import run_command, start, stop
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.conftest import Stack
from tests.jobs.bad_input import KEY
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.soak import soak

pytestmark = [
    soak,
    pytest.mark.timeout(900),
]
FRESH_START_S = 60  # of which submission and start of Python take about twenty on two cores
RUN_S = 90


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


def submit(system: IsolatedSystem, state: str | None = None) -> None:
    start(run_command(system.cluster, "books", [], state), system.settings)


def test_a_start_without_state_does_not_wait_for_the_ids_of_earlier_runs(stack: Stack) -> None:
    system = IsolatedSystem(stack, "ids.")
    ended = Event()
    values = frames()

    def feed() -> None:
        while not ended.wait(0.1):
            system.send([("orderbook.raw", KEY, next(values))])

    feeding = Thread(target=feed)
    feeding.start()
    try:
        submit(system)
        wait_until(lambda: bool(system.count("orderbook.processed")), "the first records")
        time.sleep(RUN_S)
        before = transactional_ids(system)
        assert RUN_S / 2 < len(before) < 2 * RUN_S
        savepoint = stop(system.cluster, "books")
        count, started = committed(system), time.monotonic()
        submit(system)
        wait_until(lambda: committed(system) > count, "records of the start without state")
        assert time.monotonic() - started < FRESH_START_S
        stop(system.cluster, "books")
        transactions.abort_open(system.settings, "books")
        assert not transactional_ids(system, "Ongoing")
        count = system.count("orderbook.processed")
        submit(system, savepoint)
        wait_until(lambda: system.count("orderbook.processed") > count, "records after the resume")
        stop(system.cluster, "books")
    finally:
        ended.set()
        feeding.join()
