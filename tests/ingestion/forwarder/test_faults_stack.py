"""Every fault on every venue, with real sockets, a real broker and the books job."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec
import pytest

from core.records import Processed
from simulator import (
    ClockSkew,
    Corrupt,
    Drop,
    Duplicate,
    Fillers,
    Freeze,
    Gap,
    Http520,
    IdReset,
    NoGoodbye,
    Refuse,
    Reorder,
    Restart,
    SilentStream,
    SlowSnapshot,
    WrongChecksum,
    WrongDigit,
)
from simulator.registry import SIMULATORS
from tests.conftest import Stack
from tests.ingestion.forwarder.harness import assert_no_holes
from tests.ingestion.forwarder.venue_scenario import SILENCE_S, FaultCase, TopicReader, VenueScenario, running_scenario
from tests.jobs.isolated_system import IsolatedSystem

LIMIT_S = 600
FaultRun = tuple[IsolatedSystem, TopicReader, dict[str, VenueScenario]]

# States after a lost book, which may be lost again while it recovers; after a lost connection; without an effect.
GAP, DISCONNECTED, UNCHANGED = "gap synced( gap synced)*", "stale .*synced", ""


def book_faults(venue: str) -> list[FaultCase]:
    """Faults of frames; the connection stays open."""
    # Without sequence numbers a repeated update may break the checksum.
    repeated = f"({GAP})?" if venue == "kraken" else UNCHANGED
    reset = UNCHANGED if venue == "kraken" else GAP  # whose books have no ids
    fillers = venue == "binance_usdm"
    slow = SlowSnapshot(seconds=3, delay_s=0.7)
    return [
        FaultCase("gap", lambda symbol: (Gap(count=3),), GAP, GAP),
        FaultCase("duplicate", lambda symbol: (Duplicate(count=3),), repeated, repeated),
        FaultCase("reorder", lambda symbol: (Reorder(),), GAP, GAP),
        FaultCase("corrupt", lambda symbol: (Corrupt(symbol=symbol),), GAP, UNCHANGED),
        FaultCase("silent symbol", lambda symbol: (Freeze(seconds=1, symbol=symbol),), GAP, UNCHANGED),
        FaultCase("slow snapshot", lambda symbol: (slow, Gap(count=3)), GAP, GAP),
        FaultCase("ids restart", lambda symbol: (IdReset(),), reset, reset),
        *([FaultCase("fillers", lambda symbol: (Fillers(symbol=symbol),), UNCHANGED, UNCHANGED)] if fillers else []),
    ]


def connection_faults(venue: str) -> list[FaultCase]:
    """Faults of the connection or of the whole exchange."""
    no_subscriptions = Refuse(seconds=0.7, connections=False, subscriptions=True, snapshots=venue.startswith("binance"))
    return [
        FaultCase("drop", lambda symbol: (Drop(),), DISCONNECTED, DISCONNECTED),
        FaultCase("restart", lambda symbol: (Restart(seconds=0.5),), DISCONNECTED, DISCONNECTED),
        FaultCase("refused connections", lambda symbol: (Refuse(seconds=0.7), Drop()), DISCONNECTED, DISCONNECTED),
        FaultCase("refused subscriptions", lambda symbol: (no_subscriptions, Drop()), DISCONNECTED, DISCONNECTED),
        FaultCase("silence", lambda symbol: (Freeze(seconds=3 * SILENCE_S),), DISCONNECTED, DISCONNECTED),
        FaultCase("no goodbye", lambda symbol: (NoGoodbye(),), DISCONNECTED, DISCONNECTED),
        FaultCase("proxy", lambda symbol: (Http520(seconds=0.7), Drop()), DISCONNECTED, DISCONNECTED),
        # The updates of the silence are missing, unless the snapshot that follows covers them.
        FaultCase("silent stream", lambda symbol: (dead_stream(symbol),), f"({GAP})?", UNCHANGED, renews=True),
        FaultCase("clock skew", lambda symbol: (ClockSkew(seconds=2),), UNCHANGED, UNCHANGED),
    ]


def dead_stream(symbol: str) -> SilentStream:
    return SilentStream(symbol=symbol, seconds=600)


def checksum_faults(venue: str) -> list[FaultCase]:
    """Faults of Kraken only, run last: a connection whose recoveries fail too often is no longer trusted."""
    if venue != "kraken":
        return []
    return [
        FaultCase("digit", lambda symbol: (WrongDigit(symbol=symbol),), GAP, UNCHANGED),
        FaultCase("checksum", lambda symbol: (WrongChecksum(symbol=symbol),), GAP, UNCHANGED),
    ]


async def inject_all(scenario: VenueScenario, venue: str) -> None:
    await scenario.wait_until_recovered()
    for case in book_faults(venue):
        await scenario.inject_and_recover(case)
    await scenario.wait_until_complete()
    for case in [*connection_faults(venue), *checksum_faults(venue)]:
        await scenario.inject_and_recover(case)
    await scenario.wait_until_complete()


async def run_all_venues(system: IsolatedSystem, topics: TopicReader, folder: Path) -> dict[str, VenueScenario]:
    reading = asyncio.create_task(topics.run())
    async with AsyncExitStack() as running:
        scenarios = {
            venue: await running.enter_async_context(running_scenario(venue, system, topics, folder))
            for venue in SIMULATORS
        }
        await asyncio.gather(*(inject_all(scenario, venue) for venue, scenario in scenarios.items()))
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    return scenarios


@pytest.fixture(scope="module")
def fault_run(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultRun]:
    """Results after all faults, with everything stopped and committed."""
    system = IsolatedSystem(stack, "matrix.")
    with system.running("books"):
        topics = TopicReader(system)
        work = run_all_venues(system, topics, tmp_path_factory.mktemp("spill"))
        scenarios = asyncio.run(asyncio.wait_for(work, LIMIT_S))
    yield system, topics, scenarios


@pytest.mark.timeout(LIMIT_S + 60)
def test_no_metrics_were_published_from_a_wrong_book(
    fault_run: FaultRun,
) -> None:
    system, _, scenarios = fault_run
    records = [
        msgspec.json.decode(line, type=Processed)
        for lines in system.read("orderbook.processed").values()
        for line in lines
    ]
    assert {record.venue for record in records} == set(SIMULATORS)
    assert [record for record in records if not scenarios[record.venue].reference.matches(record)] == []


def test_no_frame_is_missing_or_repeated_between_forwarder_and_broker(
    fault_run: FaultRun,
) -> None:
    _, topics, _ = fault_run
    assert len(topics.envelopes) == 2 * len(SIMULATORS)
    assert_no_holes(topics.envelopes)


def test_only_frames_that_are_not_json_are_dead_letters(
    fault_run: FaultRun,
) -> None:
    system, _, scenarios = fault_run
    letters = {key: len(lines) for key, lines in system.read("deadletter").items()}
    assert letters == {scenario.key(scenario.symbols[0]): 1 for scenario in scenarios.values()}


def test_every_trade_is_published_once(fault_run: FaultRun) -> None:
    system, _, _ = fault_run
    for lines in system.read("trades").values():
        numbers = [json.loads(line)["trade_id"] for line in lines]
        assert len(numbers) == len(set(numbers))
