"""The workflow on a local cluster: batches of 1, 7 and 1,000, both modes, one slot and two: byte-identical output.

The same frames travel as three symbols, one for each size of batch, and get one name again to be compared.
"""

import re
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest
from pyflink.common import Row

from ingestion.generator import Generator, Plan
from ingestion.generator.instruments import instrument
from jobs.books import define_workflow
from market.config import KeeperConfig
from market.keeper import open_keeper
from tests.jobs.local import Said, run_batches

SIZES = (1, 7, 1_000)
FRAMES = 240
VENUES = ("binance", "binance_usdm", "kraken", "deribit")


def values(venue: str, size: int) -> list[bytes]:
    """Frames of one symbol, gaps included, under a name that tells the size of its batches."""
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
def said(request: pytest.FixtureRequest) -> Said:
    return run_batches(batches(), define_workflow, *request.param)


@pytest.mark.parametrize("venue", VENUES)
def test_the_size_of_a_batch_changes_nothing(said: Said, venue: str) -> None:
    for topic in ("orderbook.processed", "orderbook.status", "trades"):
        one, seven, thousand = (renamed(said, topic, venue, size) for size in SIZES)
        assert one == seven == thousand
        assert one
    assert len({renamed(said, "orderbook.books", venue, size)[-1] for size in SIZES}) == 1


def renamed(said: Said, topic: str, venue: str, size: int) -> list[bytes]:
    lines = said[topic, f"{venue}:COIN{size:04d}"]
    return [line.replace(b"COIN%04d" % size, b"COIN") for line in lines]


@pytest.mark.parametrize("venue", VENUES)
def test_mode_and_parallelism_change_nothing_of_what_the_domain_says(said: Said, venue: str) -> None:
    for size in SIZES:
        key = f"{venue}:COIN{size:04d}"
        alone = open_keeper(key, KeeperConfig()).apply_all(values(venue, size))
        assert said["orderbook.processed", key] == alone.processed
        assert said["trades", key] == alone.trades
        assert said["orderbook.status", key] == alone.statuses
