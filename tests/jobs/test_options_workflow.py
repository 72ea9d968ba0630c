"""The options workflow on a local cluster: batches of 1, 7 and 1,000 records give the output of the domain.

The same records are sent as three chains, one for each batch size. Their names are made equal for the comparison.
The tests of the books workflow cover the operator in both modes and with two slots. This test uses thread mode, in
which numpy runs within the TaskManager.
"""

import re
from collections.abc import Iterator

import pytest
from pyflink.common import Row

from jobs.options import define_workflow
from market.options.chain_batch import ChainConfig
from simulator.generator.chain import ChainShape
from tests.jobs.chains import OPEN_MS, chain_values, newest
from tests.jobs.local import Output, run_batches
from venues.registry import open_chain_builder

SIZES = (1, 7, 1_000)
STEPS = 30
LAST_CLOSED = OPEN_MS + 4_000  # 30 steps are 4.35 s of event time
TOPICS = ("options.chain", "options.surface", "underlying_ticks")


def values(size: int) -> list[bytes]:
    """Records of one chain, whose name contains the batch size."""
    records = chain_values("BTC", STEPS, ChainShape(2, 3))
    return [re.sub(b"BTC", b"BTC%04d" % size, value, flags=re.IGNORECASE) for value in records]


def batches() -> Iterator[Row]:
    for size in SIZES:
        records = values(size)
        for first in range(0, len(records), size):
            cut = records[first : first + size]
            yield Row("options.raw", 0, cut, list(range(first, first + len(cut))))


@pytest.fixture(scope="module")
def outputs() -> Output:
    return run_batches(batches(), define_workflow, "thread", 1)


def rows(lines: list[bytes], size: int) -> list[bytes]:
    closed = newest(lines, LAST_CLOSED).values()
    return [re.sub(b"BTC%04d" % size, b"BTC", line) for line in closed]


@pytest.mark.parametrize("topic", TOPICS)
def test_the_batch_size_changes_nothing(outputs: Output, topic: str) -> None:
    one, seven, thousand = (rows(outputs[topic, f"deribit:BTC{size:04d}"], size) for size in SIZES)
    assert one == seven == thousand
    assert one


def test_the_output_equals_that_of_the_domain(outputs: Output) -> None:
    batch = open_chain_builder("deribit:BTC0007", ChainConfig()).apply_all(values(7))
    for topic, lines in zip(TOPICS, (batch.chains, batch.surfaces, batch.ticks), strict=True):
        assert newest(outputs[topic, "deribit:BTC0007"], LAST_CLOSED) == newest(lines, LAST_CLOSED)


def test_nothing_is_rejected(outputs: Output) -> None:
    assert {topic for topic, _ in outputs} == {*TOPICS, "orderbook.status"}
