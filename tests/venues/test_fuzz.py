"""A hundred thousand mutated frames: none raises an error, and rejected ones change nothing."""

from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

import msgspec
import pytest

from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.recorded_frames import FOLDER
from tests.venues import recorded as frames
from tests.venues.recorded import recorded
from venues.registry import open_builder

MUTANTS = 25_600  # of each venue
ROUND = 32  # mutants between two looks at the book
SOURCES = {
    "binance:ETHUSDT": frames.SPOT_DAYS,
    "binance_usdm:BTCUSDT": frames.USDM,
    "kraken:BTC/USD": frames.KRAKEN,
    "deribit:BTC-24SEP21-8000-P": frames.DERIBIT,
}
SCRAPS = (
    b"null",
    b"-1",
    b"1e999",
    b"NaN",
    b'""',
    b"{}",
    b"[",
    b"]",
    b"true",
    b"1e-400",
    b"9" * 30,
    b"\xff",
    b"\x00",
    b'"',
)


def real_frames(key: str) -> list[bytes]:
    """Recorded values of the key, generated where the recordings are missing."""
    if FOLDER.exists():
        return [shallow(value) for value in recorded(SOURCES[key])[key][:1_000]]
    venue, _, symbol = key.partition(":")
    values = Generator(Plan((instrument(venue, symbol),)))
    return [msgspec.json.encode(envelope) for envelope in islice(values, 500)]


def shallow(value: bytes) -> bytes:
    """A REST snapshot is cut to its best levels: restoring thousands of them after every gap would be all the work."""
    if b'"channel":"snapshot"' not in value[:80]:
        return value
    envelope = msgspec.json.decode(value)
    frame = envelope["frame"]
    return msgspec.json.encode(envelope | {"frame": frame | {side: frame[side][:50] for side in ("bids", "asks")}})


def cut(value: bytes, random: Random) -> bytes:
    return value[: random.randrange(len(value))]


def flip(value: bytes, random: Random) -> bytes:
    at = random.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << random.randrange(8)]) + value[at + 1 :]


def scrap(value: bytes, random: Random) -> bytes:
    at = random.randrange(len(value))
    return value[:at] + random.choice(SCRAPS) + value[at + random.randrange(12) :]


def swap(value: bytes, random: Random) -> bytes:
    """Another number for a number."""
    digits = [at for at in range(len(value)) if value[at : at + 1].isdigit()]
    at = random.choice(digits)
    return value[:at] + random.choice(SCRAPS) + value[at + 1 :]


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (cut, flip, scrap, swap)


def mutants(values: list[bytes], random: Random) -> Iterator[bytes]:
    for _ in range(MUTANTS):
        yield random.choice(MUTATIONS)(random.choice(values), random)


def levels(builder: BookBuilder) -> list[object]:
    """All levels of all books."""
    return [side.top(len(side)).levels() for book in builder._book_sync.books for side in (book.bids, book.asks)]


def opened(key: str, values: list[bytes]) -> BookBuilder:
    """A builder that has applied the values."""
    builder = open_builder(key, BookConfig())
    assert isinstance(builder, BookBuilder)
    builder.apply_all(values)
    return builder


@pytest.mark.parametrize("key", SOURCES)
def test_no_mutant_raises_and_rejected_ones_leave_the_book_unchanged(key: str) -> None:
    values, random = real_frames(key), Random(key)
    builder, rejected = opened(key, values), 0
    state = [builder.journal().entry]
    for number, mutant in enumerate(mutants(values, random)):
        before = levels(builder) if not number % ROUND else None
        batch = builder.apply_all([mutant])
        rejected += len(batch.rejects)
        if before is not None and batch.rejects and not batch.counts.gaps:
            assert levels(builder) == before
        if not builder.synced:
            builder = open_builder(key, BookConfig(), state)
    assert rejected > MUTANTS / 3


@pytest.mark.parametrize("key", SOURCES)
def test_rejected_mutants_in_a_stream_do_not_change_its_records(key: str) -> None:
    values, random = real_frames(key), Random(key)
    builder, probe = opened(key, []), opened(key, values)
    processed = []
    for value in values:
        broken = cut(random.choice(values), random)
        assert probe.apply_all([broken]).rejects
        processed += builder.apply_all([broken, value]).processed
    assert processed == opened(key, []).apply_all(values).processed
