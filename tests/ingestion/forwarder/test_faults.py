"""Every fault of the exchange's side, on every venue: once it has ended the book is right again, and it was said."""

from pathlib import Path

import pytest

from ingestion.generator.instruments import VENUES
from ingestion.simulator import (
    Checksum,
    Config,
    Corrupt,
    Digit,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Gap,
    Refuse,
    Reorder,
    Restart,
    SlowSnapshot,
    simulator,
)
from tests.ingestion.forwarder.harness import (
    Running,
    assert_no_holes,
    caught_up,
    eventually,
    forwarding,
    is_snapshot,
    soon,
)

RATE = 40
LOSING = [Gap(count=3), Reorder(), Corrupt()]  # of the frames' own side: the book is lost, the connection is not
CUTTING = [Drop(), Restart(seconds=0.3), Freeze(seconds=1.2)]  # of the connection


def told(running: Running, symbol: str) -> str:
    return " ".join(running.broker.states(symbol))


def name(value: object) -> str:
    return type(value).__name__.lower() if not isinstance(value, str) else value


@pytest.mark.parametrize("fault", LOSING, ids=name)
@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_a_lost_book_comes_back_on_the_same_connection(venue: str, fault: Fault, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        exchange.inject(fault)
        exchange.step(5)
        symbols = exchange.config.traded
        await eventually(lambda: all("gap" in told(running, symbol) for symbol in symbols))
        await caught_up(running, exchange)
        for symbol in symbols:
            assert told(running, symbol).startswith("synced gap") and told(running, symbol).endswith("synced")
        assert all(link.disconnects == 0 for link in running.forwarder.ledger.links.values())


@pytest.mark.parametrize("fault", [Checksum(), Digit()], ids=name)
@soon
async def test_a_bad_checksum_resubscribes_the_symbol_alone(fault: Fault, tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        hurt, other = exchange.config.traded[:2]
        exchange.inject(type(fault)(symbol=hurt))
        exchange.step(5)
        await eventually(lambda: "gap" in told(running, hurt))
        await caught_up(running, exchange)
        assert (told(running, hurt), told(running, other)) == ("synced gap synced", "synced")


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_what_comes_twice_changes_nothing(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        exchange.inject(Duplicate(count=3))
        exchange.step(5)
        await caught_up(running, exchange)
        if venue != "kraken":  # without sequence numbers a repeated update may break the checksum
            assert [told(running, symbol) for symbol in exchange.config.traded] == ["synced", "synced"]


@pytest.mark.parametrize("fault", CUTTING, ids=name)
@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_a_lost_connection_is_made_again(venue: str, fault: Fault, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=RATE)) as exchange,
        forwarding(exchange, tmp_path, silence_s=0.8 if isinstance(fault, Freeze) else 30) as running,
    ):
        await caught_up(running, exchange)
        exchange.run_market(True)
        exchange.inject(fault)
        symbols = exchange.config.traded
        await eventually(lambda: all("disconnected" in running.broker.events(symbol) for symbol in symbols))
        await eventually(running.subscribed)
        await caught_up(running, exchange)
        for symbol in symbols:
            events = running.broker.events(symbol)
            assert events.count("connected") == events.count("disconnected") + len(running.forwarder.pool.sessions())


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_a_refused_connection_is_tried_again(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        exchange.inject(Refuse(seconds=0.6))
        async with forwarding(exchange, tmp_path) as running:
            await caught_up(running, exchange)


@pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
@soon
async def test_refused_and_late_snapshots_are_fetched_again(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        exchange.inject(Refuse(seconds=0.5, connections=False, snapshots=True))
        exchange.inject(SlowSnapshot(seconds=1, delay_s=0.5))
        async with forwarding(exchange, tmp_path) as running:
            await caught_up(running, exchange)


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_no_frame_is_missing_without_a_fault(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=200)) as exchange, forwarding(exchange, tmp_path) as running:
        symbols = exchange.config.traded
        await eventually(lambda: all(len(running.broker.frames(symbol)) > 300 for symbol in symbols))
        await caught_up(running, exchange)
        sent = sum(sum(connection.sent.values()) for connection in exchange.connections.values())
        received = [each for symbol in symbols for each in running.broker.frames(symbol) if not is_snapshot(each)]
        assert len(received) == sent
        assert_no_holes(running.broker.envelopes)
