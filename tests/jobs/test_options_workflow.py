"""The options workflow on a local cluster: batches of 1, 7 and 1,000 say the same, and what the domain says.

The same records travel as three chains, one for each size of batch, and get one name again to be compared. Books have
shown the shell in both modes and with two slots; this is thread mode, where numpy runs within the TaskManager.
"""

import re
from collections.abc import Iterator

import pytest
from pyflink.common import Row

from ingestion.generator.chain import ChainShape
from jobs.options import define_workflow
from market.options.batch import ChainConfig
from market.options.keeper import open_chain_keeper
from tests.jobs.chains import OPEN_MS, chain_values, newest
from tests.jobs.local import Said, run_batches

SIZES = (1, 7, 1_000)
STEPS = 30
LAST_CLOSED = OPEN_MS + 4_000  # of 30 steps in 4.35 s of the chain's own time
TOPICS = ("options.chain", "options.surface", "underlying_ticks")


def values(size: int) -> list[bytes]:
    """Records of one chain, under a name that tells the size of its batches."""
    made = chain_values("BTC", STEPS, ChainShape(2, 3))
    return [re.sub(b"BTC", b"BTC%04d" % size, value, flags=re.IGNORECASE) for value in made]


def batches() -> Iterator[Row]:
    for size in SIZES:
        records = values(size)
        for first in range(0, len(records), size):
            cut = records[first : first + size]
            yield Row("options.raw", 0, cut, list(range(first, first + len(cut))))


@pytest.fixture(scope="module")
def said() -> Said:
    return run_batches(batches(), define_workflow, "thread", 1)


def rows(lines: list[bytes], size: int) -> list[bytes]:
    closed = newest(lines, LAST_CLOSED).values()
    return [re.sub(b"BTC%04d" % size, b"BTC", line) for line in closed]


@pytest.mark.parametrize("topic", TOPICS)
def test_the_size_of_a_batch_changes_nothing(said: Said, topic: str) -> None:
    one, seven, thousand = (rows(said[topic, f"deribit:BTC{size:04d}"], size) for size in SIZES)
    assert one == seven == thousand
    assert one


def test_the_job_says_what_the_domain_says(said: Said) -> None:
    alone = open_chain_keeper("deribit:BTC0007", ChainConfig()).apply_all(values(7))
    for topic, lines in zip(TOPICS, (alone.chains, alone.surfaces, alone.ticks), strict=True):
        assert newest(said[topic, "deribit:BTC0007"], LAST_CLOSED) == newest(lines, LAST_CLOSED)


def test_nothing_is_refused(said: Said) -> None:
    assert {topic for topic, _ in said} == set(TOPICS)
