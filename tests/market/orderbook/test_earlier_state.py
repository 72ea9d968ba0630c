"""State that the first release of the books job wrote: its layout, and books that go on from it without a snapshot."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec
import pytest

from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.market.orderbook.builders import SYMBOLS, JournalState
from venues.registry import open_builder

ENTRY, SIDE, SYNC, BINANCE, DERIBIT, KRAKEN, KRAKEN_BOOK, TRADE_STREAM = 5, 3, 8, 3, 3, 3, 8, 2  # numbers of fields
STOPPED, COUNT = 200, 400  # frames before the savepoint, and in all


def frames(venue: str) -> list[bytes]:
    plan = Plan((instrument(venue, SYMBOLS[venue]),))
    return [msgspec.json.encode(envelope) for envelope in islice(Generator(plan), COUNT)]


def first_layout(venue: str, entry: bytes) -> bytes:
    """An entry of the journal without the fields that were appended later."""
    version, header, sides, *pending = msgspec.msgpack.decode(entry)[:ENTRY]
    state = msgspec.msgpack.decode(header)
    assert (len(state), version) == (4, 1)
    state[0] = cut(state[0], SYNC)
    if venue == "kraken":
        state[1] = cut(state[1], KRAKEN)
        state[1][0] = [cut(book, KRAKEN_BOOK) for book in state[1][0]]
    else:
        state[1] = cut(state[1], DERIBIT if venue == "deribit" else BINANCE)
    streams = cut(state[3], 1)[0]
    state[3] = [{name: cut(stream, TRADE_STREAM) for name, stream in streams.items()}]
    return msgspec.msgpack.encode(
        [version, msgspec.msgpack.encode(state), [cut(side, SIDE) for side in sides], *pending]
    )


def cut(values: Sequence[Any], fields: int) -> list[Any]:
    """The first fields of a struct that has at least as many."""
    assert len(values) >= fields
    return list(values[:fields])


@pytest.mark.parametrize("venue", SYMBOLS)
def test_books_go_on_from_state_of_the_first_release_without_a_snapshot(venue: str) -> None:
    values, key = frames(venue), f"{venue}:{SYMBOLS[venue]}"
    whole, saved = open_builder(key, BookConfig()), JournalState()
    for first in range(0, STOPPED, 20):
        whole.apply_all(values[first : first + 20])
        saved.write(whole.journal())
    entries = [first_layout(venue, entry) for entry in saved.entries]
    assert all(len(old) < len(entry) for old, entry in zip(entries, saved.entries, strict=True))
    restored = open_builder(key, BookConfig(), entries)
    assert restored.state == "in sync"
    batch, expected = restored.apply_all(values[STOPPED:]), whole.apply_all(values[STOPPED:])
    assert (batch.processed, batch.trades) == (expected.processed, expected.trades)
    assert len(batch.processed) > 100 and len(batch.trades) > 10
    assert (batch.statuses, batch.resyncs, batch.rejects) == ([], [], [])


@pytest.mark.parametrize("venue", SYMBOLS)
def test_a_silent_book_of_the_first_release_is_stale_by_the_timer(venue: str) -> None:
    builder, saved = open_builder(f"{venue}:{SYMBOLS[venue]}", BookConfig()), JournalState()
    builder.apply_all(frames(venue)[:STOPPED])
    saved.write(builder.journal())
    restored = open_builder(f"{venue}:{SYMBOLS[venue]}", BookConfig(), [first_layout(venue, saved.entries[0])])
    assert restored.mark_stale(1) is not None and restored.state == "stale"
