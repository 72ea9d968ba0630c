"""Proxies, rate limits and dead streams: nothing transient ends a forwarder."""

from pathlib import Path
from time import monotonic

import pytest

from ingestion.forwarder.subscriptions import FatalRefusal
from simulator import Config, Drop, Http520, Refuse, SilentStream, simulator
from simulator.registry import SIMULATORS
from tests.ingestion.forwarder.harness import (
    SILENT_S,
    eventually,
    forwarding,
    wait_until_books_match,
    within_a_minute,
)

RATE = 40


@pytest.mark.parametrize("status", [520, 530, 403, 404, 429])
@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_any_status_of_a_reconnect_is_transient(venue: str, status: int, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)
        exchange.inject(Http520(seconds=60, status=status))
        exchange.inject(Drop())
        attempts = running.forwarder.stats.refused_attempts
        await eventually(lambda: attempts.total() > 0)
        exchange.inject(Http520(seconds=0))
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_forwarder_starts_behind_a_proxy_without_its_exchange(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        exchange.inject(Http520(seconds=0.7))
        async with forwarding(exchange, tmp_path) as running:
            await wait_until_books_match(running, exchange)


@within_a_minute
async def test_retry_after_delays_the_next_attempt(tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.inject(Http520(seconds=60, status=429, retry_after_s=2))
        start = monotonic()
        exchange.inject(Drop())
        await eventually(lambda: running.forwarder.stats.refused_attempts.total() > 0)
        exchange.inject(Http520(seconds=0))
        await eventually(running.subscribed)
        assert monotonic() - start > 1.8


@within_a_minute
async def test_symbols_are_checked_once_the_venue_answers(tmp_path: Path) -> None:
    async with simulator(Config("binance", rate=RATE)) as exchange:
        exchange.inject(Http520(seconds=0.5))
        async with forwarding(exchange, tmp_path, symbols="BTCUSDT,NOPE") as running:
            with pytest.raises(FatalRefusal, match="^binance does not list NOPE$"):
                await running.task


@within_a_minute
async def test_a_chain_is_listed_once_the_venue_answers(tmp_path: Path) -> None:
    async with simulator(Config("deribit", chains=("BTC",))) as exchange:
        exchange.inject(Refuse(seconds=60, connections=False, snapshots=True, status=521))
        async with forwarding(exchange, tmp_path, symbols="", chains="BTC") as running:
            found = running.forwarder
            await eventually(lambda: found.chains is not None and found.chains.failures["BTC"] > 0)
            exchange.inject(Refuse(seconds=0))
            await eventually(running.subscribed)


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_dead_book_beside_live_trades_is_reported_and_subscribed_again(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=RATE)) as exchange,
        forwarding(exchange, tmp_path, book_silence_s=2 * SILENT_S) as running,
    ):
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)
        affected, other = exchange.config.traded
        exchange.run_market(True)
        exchange.inject(SilentStream(symbol=affected, seconds=60))
        stats = running.forwarder.stats
        before = stats.silences.copy()  # books of a halted market that took long to match

        def reasons() -> list[str]:
            return list(stats.not_ready_reasons(max(each.last_recv_us for each in stats.streams.values()), 1_000_000))

        await eventually(lambda: any(reason.startswith(f"{affected} ") for reason in reasons()))
        assert not any(reason.startswith(f"{other} ") for reason in reasons())
        await eventually(lambda: {stream.symbol for stream in stats.silences - before} == {affected})
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        await eventually(lambda: not reasons())
        assert all(connection.disconnects == 0 for connection in stats.connections.values())
