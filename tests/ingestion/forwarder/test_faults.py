"""Every fault of the exchange, on every venue: the status topic reports it, and the book recovers."""

from pathlib import Path

import pytest

from simulator import (
    ClockSkew,
    Config,
    Corrupt,
    Drop,
    Duplicate,
    Fault,
    Fillers,
    Freeze,
    Gap,
    IdReset,
    NoGoodbye,
    Refuse,
    Reorder,
    Restart,
    SlowSnapshot,
    WrongChecksum,
    WrongDigit,
    simulator,
)
from simulator.registry import SIMULATORS
from tests.ingestion.forwarder.harness import (
    RunningForwarder,
    assert_no_holes,
    eventually,
    forwarding,
    is_snapshot,
    wait_until_books_match,
    within_a_minute,
)

RATE = 40
BOOK_FAULTS = [Gap(count=3), Reorder(), Corrupt()]  # the book is lost, the connection is not
CONNECTION_FAULTS = [Drop(), Restart(seconds=0.3), Freeze(seconds=1.2)]


def states(running: RunningForwarder, symbol: str) -> str:
    return " ".join(running.broker.states(symbol))


def name(value: object) -> str:
    return type(value).__name__.lower() if not isinstance(value, str) else value


@pytest.mark.parametrize("fault", BOOK_FAULTS, ids=name)
@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_lost_book_recovers_on_the_same_connection(venue: str, fault: Fault, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.inject(fault)
        exchange.step(5)
        symbols = exchange.config.traded
        await eventually(lambda: all("gap" in states(running, symbol) for symbol in symbols))
        await wait_until_books_match(running, exchange)
        for symbol in symbols:
            assert states(running, symbol).startswith("synced gap") and states(running, symbol).endswith("synced")
        assert all(connection.disconnects == 0 for connection in running.forwarder.stats.connections.values())


@pytest.mark.parametrize("fault", [WrongChecksum(), WrongDigit()], ids=name)
@within_a_minute
async def test_a_bad_checksum_resubscribes_the_symbol_alone(fault: Fault, tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        affected, other = exchange.config.traded[:2]
        exchange.inject(type(fault)(symbol=affected))
        exchange.step(5)
        await eventually(lambda: "gap" in states(running, affected))
        await wait_until_books_match(running, exchange)
        assert (states(running, affected), states(running, other)) == ("synced gap synced", "synced")


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_repeated_frames_change_nothing(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.inject(Duplicate(count=3))
        exchange.step(5)
        await wait_until_books_match(running, exchange)
        if venue != "kraken":  # without sequence numbers a repeated update may break the checksum
            assert [states(running, symbol) for symbol in exchange.config.traded] == ["synced", "synced"]


@pytest.mark.parametrize("fault", CONNECTION_FAULTS, ids=name)
@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_lost_connection_is_reopened(venue: str, fault: Fault, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=RATE)) as exchange,
        forwarding(exchange, tmp_path, silence_s=0.8 if isinstance(fault, Freeze) else 30) as running,
    ):
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        exchange.inject(fault)
        symbols = exchange.config.traded
        await eventually(lambda: all("disconnected" in running.broker.events(symbol) for symbol in symbols))
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)
        for symbol in symbols:
            events = running.broker.events(symbol)
            assert events.count("connected") == events.count("disconnected") + len(running.forwarder.pool.sessions())


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_refused_connection_is_retried(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        exchange.inject(Refuse(seconds=0.6))
        async with forwarding(exchange, tmp_path) as running:
            await wait_until_books_match(running, exchange)


@pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
@within_a_minute
async def test_refused_and_late_snapshots_are_retried(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        exchange.inject(Refuse(seconds=0.5, connections=False, snapshots=True))
        exchange.inject(SlowSnapshot(seconds=1, delay_s=0.5))
        async with forwarding(exchange, tmp_path) as running:
            await wait_until_books_match(running, exchange)


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_no_frame_is_missing_without_a_fault(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=200)) as exchange, forwarding(exchange, tmp_path) as running:
        symbols = exchange.config.traded
        await eventually(lambda: all(len(running.broker.frames(symbol)) > 300 for symbol in symbols))
        await wait_until_books_match(running, exchange)
        sent = sum(sum(connection.sent.values()) for connection in exchange.connections.values())
        received = [each for symbol in symbols for each in running.broker.frames(symbol) if not is_snapshot(each)]
        assert len(received) == sent
        assert_no_holes(running.broker.envelopes)


RESETS = [IdReset(), IdReset(close=True, first_id=500)]


@pytest.mark.parametrize("fault", RESETS, ids=["open connections", "closed connections"])
@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_books_follow_ids_that_restart_lower(venue: str, fault: Fault, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        exchange.inject(fault)
        exchange.step(5)
        symbols = exchange.config.traded
        if venue != "kraken":  # whose books have no ids
            await eventually(lambda: all("gap" in states(running, symbol) for symbol in symbols))
        await wait_until_books_match(running, exchange)
        assert running.broker.rejects == []


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_connection_that_dies_unsaid_is_replaced(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=RATE)) as exchange,
        forwarding(exchange, tmp_path, silence_s=0.8) as running,
    ):
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        exchange.inject(NoGoodbye())
        symbols = exchange.config.traded
        await eventually(lambda: all("disconnected" in running.broker.events(symbol) for symbol in symbols))
        await wait_until_books_match(running, exchange)


@pytest.mark.parametrize("seconds", [-2, 2])
@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_skew_of_the_exchanges_clock_changes_nothing(venue: str, seconds: int, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.inject(ClockSkew(seconds=seconds))
        await wait_until_books_match(running, exchange)
        assert {states(running, symbol) for symbol in exchange.config.traded} == {"synced"}
        assert running.broker.rejects == []


@within_a_minute
async def test_fillers_are_no_dead_letters(tmp_path: Path) -> None:
    async with (
        simulator(Config("binance_usdm", rate=RATE)) as exchange,
        forwarding(exchange, tmp_path, channels="depth@100ms,trade") as running,
    ):
        await eventually(running.subscribed)
        exchange.inject(Fillers(count=6))
        exchange.step(3)

        def fillers(symbol: str) -> int:
            frames = (bytes(each.frame) for each in running.broker.frames(symbol) if each.channel == "trade")
            return sum(b'"X":"MARKET"' not in frame for frame in frames)

        await eventually(lambda: all(fillers(symbol) == 6 for symbol in exchange.config.traded))
        await wait_until_books_match(running, exchange)
        assert running.broker.rejects == []
