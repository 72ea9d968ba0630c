"""Every fault of every venue, through real sockets, the real broker and the books job."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec
import pytest

from ingestion.generator.instruments import VENUES
from ingestion.simulator import (
    Checksum,
    Corrupt,
    Digit,
    Drop,
    Duplicate,
    Freeze,
    Gap,
    Refuse,
    Reorder,
    Restart,
    SlowSnapshot,
)
from market.records import Processed
from tests.conftest import Stack
from tests.ingestion.forwarder.harness import assert_no_holes
from tests.ingestion.forwarder.trial import SILENCE_S, Tail, Trial, Trouble, on_trial
from tests.jobs.desk import Desk

LIMIT_S = 240
# A book is lost and comes back, perhaps more than once; a connection is lost; nothing happens.
LOST, CUT, NOTHING = "gap synced( gap synced)*", "stale .*synced", ""


def of_frames(venue: str) -> list[Trouble]:
    """Of the frames' own side: the connection stays."""
    # Without sequence numbers a repeated update may break the checksum.
    twice = f"({LOST})?" if venue == "kraken" else NOTHING
    slow = SlowSnapshot(seconds=3, delay_s=0.7)
    return [
        Trouble("gap", lambda symbol: (Gap(count=3),), LOST, LOST),
        Trouble("duplicate", lambda symbol: (Duplicate(count=3),), twice, twice),
        Trouble("reorder", lambda symbol: (Reorder(),), LOST, LOST),
        Trouble("corrupt", lambda symbol: (Corrupt(symbol=symbol),), LOST, NOTHING),
        Trouble("silent symbol", lambda symbol: (Freeze(seconds=1, symbol=symbol),), LOST, NOTHING),
        Trouble("slow snapshot", lambda symbol: (slow, Gap(count=3)), LOST, LOST),
    ]


def of_connections(venue: str) -> list[Trouble]:
    """Of the connection, or of the exchange as a whole."""
    no_subscriptions = Refuse(seconds=0.7, connections=False, subscriptions=True, snapshots=venue.startswith("binance"))
    return [
        Trouble("drop", lambda symbol: (Drop(),), CUT, CUT),
        Trouble("restart", lambda symbol: (Restart(seconds=0.5),), CUT, CUT),
        Trouble("refused connections", lambda symbol: (Refuse(seconds=0.7), Drop()), CUT, CUT),
        Trouble("refused subscriptions", lambda symbol: (no_subscriptions, Drop()), CUT, CUT),
        Trouble("silence", lambda symbol: (Freeze(seconds=3 * SILENCE_S),), CUT, CUT),
    ]


def of_checksums(venue: str) -> list[Trouble]:
    """Kraken's alone; after the others, because a connection whose recoveries fail too often is not trusted."""
    if venue != "kraken":
        return []
    return [
        Trouble("digit", lambda symbol: (Digit(symbol=symbol),), LOST, NOTHING),
        Trouble("checksum", lambda symbol: (Checksum(symbol=symbol),), LOST, NOTHING),
    ]


async def undergo(trial: Trial, venue: str) -> None:
    await trial.recovered()
    for trouble in of_frames(venue):
        await trial.undergo(trouble)
    await trial.complete()
    for trouble in [*of_connections(venue), *of_checksums(venue)]:
        await trial.undergo(trouble)
    await trial.complete()


async def all_venues(desk: Desk, tail: Tail, folder: Path) -> dict[str, Trial]:
    following = asyncio.create_task(tail.follow())
    async with AsyncExitStack() as running:
        trials = {venue: await running.enter_async_context(on_trial(venue, desk, tail, folder)) for venue in VENUES}
        await asyncio.gather(*(undergo(trial, venue) for venue, trial in trials.items()))
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    return trials


@pytest.fixture(scope="module")
def ordeal(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Tail, dict[str, Trial]]]:
    """All faults over, everything stopped and committed."""
    desk = Desk(stack, "faults.")
    with desk.running("books"):
        tail = Tail(desk)
        work = all_venues(desk, tail, tmp_path_factory.mktemp("spill"))
        trials = asyncio.run(asyncio.wait_for(work, LIMIT_S))
    yield desk, tail, trials


@pytest.mark.timeout(LIMIT_S + 60)
def test_no_metrics_were_published_from_a_wrong_book(ordeal: tuple[Desk, Tail, dict[str, Trial]]) -> None:
    desk, _, trials = ordeal
    records = [
        msgspec.json.decode(line, type=Processed)
        for lines in desk.read("orderbook.processed").values()
        for line in lines
    ]
    assert {record.venue for record in records} == set(VENUES)
    assert [record for record in records if not trials[record.venue].witness.agrees(record)] == []


def test_no_frame_is_missing_or_doubled_between_forwarder_and_broker(
    ordeal: tuple[Desk, Tail, dict[str, Trial]],
) -> None:
    _, tail, _ = ordeal
    assert len(tail.envelopes) == 2 * len(VENUES)
    assert_no_holes(tail.envelopes)


def test_what_is_no_json_is_a_dead_letter_and_nothing_else_is(ordeal: tuple[Desk, Tail, dict[str, Trial]]) -> None:
    desk, _, trials = ordeal
    letters = {key: len(lines) for key, lines in desk.read("deadletter").items()}
    assert letters == {trial.key(trial.symbols[0]): 1 for trial in trials.values()}


def test_every_trade_is_told_once(ordeal: tuple[Desk, Tail, dict[str, Trial]]) -> None:
    desk, _, _ = ordeal
    for lines in desk.read("trades").values():
        numbers = [json.loads(line)["trade_id"] for line in lines]
        assert len(numbers) == len(set(numbers))
