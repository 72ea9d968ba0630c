"""Records that waited for the broker: they arrive late, and say nothing that is newer than the book."""

import json

import pytest

from market.orderbook.book_config import BookConfig
from tests.market.orderbook.builders import (
    OPEN,
    SYMBOLS,
    JournalState,
    Kraken,
    deribit,
    new_builder,
    rest_snapshot,
    spot,
    statuses,
    usdm,
)
from tests.venues.synced_books import old_update, started
from venues.registry import open_builder

STALE = "stale no update applied"
WITH_IDS = [venue for venue in SYMBOLS if venue != "kraken"]


def update(venue: str, at: float) -> bytes:
    """The update after those of a started book."""
    if venue == "kraken":
        kraken = Kraken()
        kraken.snapshot()
        return kraken.update(bids=[(99, 1)], at=at)
    made = {"binance": spot(1001, 1001, at=at), "binance_usdm": usdm(1000, 1001, 1001, at=at)}
    return made.get(venue) or deribit(1001, 1000, at=at)


def old_snapshot(venue: str, at: float) -> bytes:
    """A snapshot whose id is below that of a started book."""
    if venue == "deribit":
        return deribit(900, bids=[(90, 1)], asks=[(91, 1)], at=at, conn="b")
    return rest_snapshot(venue, 900, at=at)


@pytest.mark.parametrize("venue", WITH_IDS)
def test_a_snapshot_from_before_the_book_is_no_answer_to_its_request(venue: str) -> None:
    builder = new_builder(venue)
    builder.apply_all([*started(venue), update(venue, at=60)])
    backlog = [old_update(venue, at, conn="b") for at in range(10, 50)]
    batch = builder.apply_all([*backlog, old_snapshot(venue, at=50)])
    assert (statuses(batch), batch.processed, builder.state) == ([STALE], [], "stale")
    answered = builder.apply_all([old_snapshot(venue, at=61)])
    assert statuses(answered)[0] == "gap sequence_reset"


@pytest.mark.parametrize("venue", SYMBOLS)
def test_states_have_their_order_by_time_although_updates_were_on_their_way(venue: str) -> None:
    builder, saved = new_builder(venue), JournalState()
    lines = builder.apply_all(started(venue)).statuses
    stale = builder.mark_stale(OPEN + 60_000)
    assert stale is not None
    saved.write(builder.journal())
    restored = open_builder(f"{venue}:{SYMBOLS[venue]}", BookConfig(), saved.entries)
    lines = [*lines, *stale.statuses, *restored.apply_all([update(venue, at=0.3)]).statuses]
    found = [json.loads(line) for line in lines]
    assert [each["state"] for each in found] == ["synced", "stale", "synced"]
    times = [each["event_time"] for each in found]
    assert times == sorted(times) and times[1] >= OPEN + 30_000


def test_another_recording_sets_the_times_of_states_back() -> None:
    builder, day = new_builder("deribit"), -86_400
    builder.apply_all([*started("deribit"), old_update("deribit", 31)])
    assert builder.state == "stale"
    batch = builder.apply_all([old_snapshot("deribit", at=day)])
    assert statuses(batch) == ["gap sequence_reset", "synced snapshot"]
    assert {json.loads(line)["event_time"] for line in batch.statuses} == {OPEN + day * 1000}
