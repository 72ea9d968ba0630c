"""An outage within the transaction timeout loses nothing; a longer one loses the output of one checkpoint.

A checkpoint is complete, and the commits of its transaction do not reach the broker until the outage is over.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from jobs import transactions
from jobs.submit import cancel, run_command, start
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.broker import own_broker
from tests.conftest import Stack
from tests.jobs.bad_input import KEY
from tests.jobs.isolated_system import IsolatedSystem, kill_taskmanagers, wait_until
from tests.kafka_proxy import KafkaProxy, kafka_proxy
from tests.soak import soak
from venues.registry import open_builder

pytestmark = [soak, pytest.mark.timeout(900)]
SHORTEST_S = 60  # smallest TRANSACTION_TIMEOUT_S
FRAMES = 300  # of each of three parts: before the outage, in it, after it
PREFIX = "limit."


@contextmanager
def system_behind_a_proxy(stack: Stack, folder: Path, timeout_s: int) -> Iterator[tuple[IsolatedSystem, KafkaProxy]]:
    """Topics on a broker of its own, which looks for expired transactions every second, with the books job."""
    each_second = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}
    with kafka_proxy() as proxy, own_broker(folder, lambda given: each_second | proxy.properties(given)):
        system = IsolatedSystem(replace(stack, kafka=proxy.address), PREFIX, transaction_timeout_s=timeout_s)
        try:
            start(run_command(system.cluster, "books", [], None), system.settings)
            yield system, proxy
        finally:
            proxy.holds_ends.clear()
            cancel(system.cluster, "books")


def open_ids(system: IsolatedSystem) -> set[str]:
    """Transactional ids with an open transaction."""
    with transactions._admin(system.settings) as admin:
        listed = admin.list_transactions(state_filters=["Ongoing"])
    return {each.transactional_id for found in listed.values() for each in found}


def records(system: IsolatedSystem, isolation: str = "read_committed") -> list[bytes]:
    return system.read("orderbook.processed", isolation).get(KEY, [])


@pytest.mark.parametrize("timeout_s", [900, 60], ids=["within the limit", "beyond the limit"])
def test_an_outage_loses_nothing_up_to_the_limit_and_one_checkpoint_beyond(
    stack: Stack, tmp_path: Path, timeout_s: int
) -> None:
    beyond = timeout_s == SHORTEST_S
    generated = Generator(Plan((instrument("binance", "COIN0000"),)))
    values = (msgspec.json.encode(envelope) for envelope in generated if envelope.channel != "aggTrade")
    builder = open_builder(KEY, BookConfig())
    with system_behind_a_proxy(stack, tmp_path, timeout_s) as (system, proxy):

        def send_part() -> list[bytes]:
            """Send frames and return their records."""
            part = list(islice(values, FRAMES))
            system.send(("orderbook.raw", KEY, value) for value in part)
            made = builder.apply_all(part).processed
            assert len(made) > FRAMES / 2
            return made

        before, part = list[bytes](), list[bytes]()
        while records(system) == before + part:  # until commits are held back between the write of a part and its own
            proxy.holds_ends.clear()
            before, part = before + part, send_part()
            written = len(before + part)
            wait_until(lambda n=written: len(records(system, "read_uncommitted")) >= n, "the records")
            proxy.held.clear()
            proxy.holds_ends.set()
            wait_until(proxy.held.is_set, "a checkpoint whose commit is held back")
        prepared = open_ids(system)
        kill_taskmanagers(system)
        if beyond:
            wait_until(lambda: not prepared & open_ids(system), "the broker to abort the transaction")
        assert records(system) == before, "a part that was committed in parts"
        proxy.holds_ends.clear()
        after = send_part()
        wait_until(lambda: records(system)[-1:] == after[-1:], "the commit of the next part")
        assert records(system) == before + ([] if beyond else part) + after
