"""The books workflow on a local cluster: output is the same for batches of 1, 7 and 1,000, both modes, 1 and 2 slots.

The same frames are sent as three symbols, one for each batch size, and renamed for the comparison.
"""

import re
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest
from pyflink.common import Row

from jobs.books import define_workflow
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.jobs.local import Output, run_batches
from venues.registry import open_builder

SIZES = (1, 7, 1_000)
FRAMES = 240
VENUES = ("binance", "binance_usdm", "kraken", "deribit")


def values(venue: str, size: int) -> list[bytes]:
    """Frames of one symbol, gaps included, under a name that contains the batch size."""
    plan = Plan((instrument(venue, "COIN0000"),), gaps_per_1000=20)
    encoded = (msgspec.json.encode(envelope) for envelope in islice(Generator(plan), FRAMES))
    return [re.sub(b"COIN0000", b"COIN%04d" % size, value, flags=re.IGNORECASE) for value in encoded]


def batches() -> Iterator[Row]:
    for venue in VENUES:
        for size in SIZES:
            frames = values(venue, size)
            for first in range(0, FRAMES, size):
                cut = frames[first : first + size]
                yield Row("orderbook.raw", 0, cut, list(range(first, first + len(cut))))


@pytest.fixture(scope="module", params=[("process", 1), ("process", 2), ("thread", 1), ("thread", 2)], ids=str)
def output(request: pytest.FixtureRequest) -> Output:
    return run_batches(batches(), define_workflow, *request.param)


@pytest.mark.parametrize("venue", VENUES)
def test_output_does_not_depend_on_the_batch_size(output: Output, venue: str) -> None:
    for topic in ("orderbook.processed", "orderbook.status", "trades"):
        one, seven, thousand = (renamed(output, topic, venue, size) for size in SIZES)
        assert one == seven == thousand
        assert one
    assert len({renamed(output, "orderbook.books", venue, size)[-1] for size in SIZES}) == 1


def renamed(output: Output, topic: str, venue: str, size: int) -> list[bytes]:
    lines = output[topic, f"{venue}:COIN{size:04d}"]
    return [line.replace(b"COIN%04d" % size, b"COIN") for line in lines]


@pytest.mark.parametrize("venue", VENUES)
def test_output_in_every_mode_and_parallelism_is_that_of_the_domain(output: Output, venue: str) -> None:
    for size in SIZES:
        key = f"{venue}:COIN{size:04d}"
        expected = open_builder(key, BookConfig()).apply_all(values(venue, size))
        assert output["orderbook.processed", key] == expected.processed
        assert output["trades", key] == expected.trades
        assert output["orderbook.status", key] == expected.statuses
