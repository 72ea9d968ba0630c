"""Forwarders over real sockets: outages, replaced connections, redundancy, stop, refusals, many symbols."""

from pathlib import Path
from time import monotonic

import pytest

from ingestion.forwarder.subscriptions import FatalRefusal
from simulator import Config, Drop, Gap, Limits, simulator
from simulator.generator.market import MarketShape
from simulator.registry import SIMULATORS
from tests.ingestion.forwarder.harness import Broker, eventually, forwarding, wait_until_books_match, within_a_minute
from venues.binance.constants import STREAMS_PER_CONNECTION

RATE = 40


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_nothing_is_lost_during_a_broker_outage(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=200)) as exchange,
        forwarding(exchange, tmp_path, window_mb=0.05, queue_mb=0.2) as running,
    ):
        await wait_until_books_match(running, exchange)
        running.broker.down = True
        exchange.run_market(True)
        await eventually(lambda: running.forwarder.producers[0].spill.count > 200)
        running.broker.recover()
        await wait_until_books_match(running, exchange)
        assert [running.broker.states(symbol) for symbol in exchange.config.traded] == [["synced"], ["synced"]]


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_full_disk_closes_the_connection_and_reports_the_dropped_frames(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=200)) as exchange,
        forwarding(exchange, tmp_path, window_mb=0.05, queue_mb=0.1, spill_mb=0.2) as running,
    ):
        await wait_until_books_match(running, exchange)
        running.broker.down = True
        exchange.run_market(True)
        await eventually(lambda: running.forwarder.stats.dropped.total() > 0)
        running.broker.recover()
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)
        events = [(event.event, event.frames) for envelopes in running.broker.envelopes.values() for event in envelopes]
        dropped = sum(int(str(frames)) for event, frames in events if event == "dropped")
        assert dropped == running.forwarder.stats.dropped.total() >= 1
        assert ("disconnected" in dict(events)) and all(
            "disconnected" in running.broker.events(symbol) for symbol in exchange.config.traded
        )


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_connection_is_replaced_before_its_lifetime_ends_without_a_gap(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=100)) as exchange,
        forwarding(exchange, tmp_path, lifetime_s=0.8) as running,
    ):
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        await eventually(
            lambda: all(running.broker.events(symbol).count("disconnected") >= 3 for symbol in exchange.config.traded)
        )
        await wait_until_books_match(running, exchange)
        slots = running.forwarder.stats.connections.values()
        assert slots and all(each.connected for each in slots)
        for symbol in exchange.config.traded:
            if venue != "kraken":  # without sequence numbers, its books switch with the connection
                assert running.broker.states(symbol) == ["synced"]
            events = running.broker.events(symbol)
            assert (
                events[0] == "connected" and events[1] != "disconnected"
            )  # the next connection opens before the first one closes


def book_connections(broker: Broker, symbol: str) -> set[str]:
    """Ids of the connections that sent updates of the symbol's book."""
    return {each.conn for each in broker.frames(symbol) if each.channel.startswith(("depth", "book"))}


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])
@within_a_minute
async def test_one_of_two_forwarders_may_die_and_nothing_is_lost(venue: str, tmp_path: Path) -> None:
    broker = Broker()
    async with simulator(Config(venue, rate=100)) as exchange, forwarding(exchange, tmp_path, broker) as first:
        await eventually(first.subscribed)
        failing, symbols = list(exchange.connections), exchange.config.traded
        async with forwarding(exchange, tmp_path, broker) as second:
            await wait_until_books_match(first, exchange)
            exchange.run_market(True)
            await eventually(lambda: all(len(book_connections(broker, symbol)) == 2 for symbol in symbols))
            for number in failing:
                exchange.inject(Drop(connection=number))
            await first.stop()
            await wait_until_books_match(second, exchange)
            assert [broker.states(symbol) for symbol in symbols] == [["synced"]] * len(symbols)


@within_a_minute
async def test_the_second_of_two_kraken_forwarders_takes_over(tmp_path: Path) -> None:
    broker = Broker()
    async with (
        simulator(Config("kraken", rate=100)) as exchange,
        forwarding(exchange, tmp_path, broker) as first,
        forwarding(exchange, tmp_path, broker) as second,
    ):
        await eventually(lambda: first.subscribed() and second.subscribed())
        await wait_until_books_match(first, exchange)
        exchange.run_market(True)
        await first.stop()
        await wait_until_books_match(second, exchange)


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_a_stop_unsubscribes_drains_and_flushes(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        exchange.run_market(True)
        before = running.broker.sent_bytes
        await eventually(lambda: running.broker.sent_bytes > before)
        await running.stop()
        await eventually(lambda: not exchange.connections)
        assert running.broker.closed and not running.broker.unacknowledged
        assert all(running.broker.events(symbol)[-1] == "disconnected" for symbol in exchange.config.traded)


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        ("binance", "binance does not list NOPE"),
        ("binance_usdm", "binance_usdm does not list NOPE"),
        ("kraken", "kraken refuses NOPE book.25: .*"),
        ("deribit", "deribit refuses NOPE book.100ms: .*"),
    ],
)
@within_a_minute
async def test_an_unknown_symbol_stops_the_forwarder_and_is_named(venue: str, message: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        symbols = f"{exchange.config.traded[0]},NOPE"
        async with forwarding(exchange, tmp_path, symbols=symbols) as running:
            with pytest.raises(FatalRefusal, match=f"^{message}$"):
                await running.task


@within_a_minute
async def test_a_wrong_address_stops_the_forwarder_with_the_http_status(tmp_path: Path) -> None:
    async with simulator(Config("kraken")) as exchange:
        async with forwarding(exchange, tmp_path, ws_url=exchange.ws_url + "/nowhere") as running:
            with pytest.raises(FatalRefusal, match="refused with HTTP status 404"):
                await running.task


@within_a_minute
async def test_krakens_close_code_1008_stops_the_forwarder(tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        for connection in exchange.connections.values():
            connection.close(1008, "policy")
        with pytest.raises(FatalRefusal, match="^the venue closed the connection for good: 1008 policy$"):
            await running.task


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])
@within_a_minute
async def test_close_code_1008_of_other_venues_is_an_ordinary_disconnect(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        for connection in exchange.connections.values():
            connection.close(1008, "Too many requests")
        symbols = exchange.config.traded
        await eventually(lambda: all("disconnected" in running.broker.events(symbol) for symbol in symbols))
        await eventually(running.subscribed)
        await wait_until_books_match(running, exchange)


@within_a_minute
async def test_snapshots_of_two_hundred_lost_books_stay_within_the_weight_budget(tmp_path: Path) -> None:
    """Budget 2,400 per minute: a burst of 36 snapshots of weight 20, then one a second. The venue refuses none."""
    symbols = tuple(f"S{number}USDT" for number in range(200))
    config = Config(
        "binance_usdm", symbols, rate=2, shape=MarketShape(levels=20, touched=2), limits=Limits(weight_per_min=2_400)
    )
    start = monotonic()
    async with simulator(config) as exchange, forwarding(exchange, tmp_path, channels="depth@100ms") as running:
        await eventually(running.subscribed)
        fetcher = running.forwarder.fetcher
        assert fetcher is not None
        await eventually(lambda: fetcher.fetched.total() >= 37)
        exchange.inject(Gap())
        exchange.step(2)
        await eventually(lambda: fetcher.fetched.total() >= 39)
        assert not fetcher.failed and fetcher.fetched.total() + len(fetcher.pending) >= len(symbols)
        assert fetcher.fetched.total() <= 37 + (monotonic() - start)


@within_a_minute
async def test_five_hundred_symbols_on_one_forwarder(tmp_path: Path) -> None:
    symbols = tuple(f"S{number}/USD" for number in range(500))
    # Halted while the books arrive: frames would come faster than a busy machine can read them.
    config = Config("kraken", symbols, rate=2, shape=MarketShape(levels=30, touched=3), running=False)
    async with simulator(config) as exchange, forwarding(exchange, tmp_path, channels="book.25") as running:
        await eventually(lambda: all(symbol in running.broker.books for symbol in symbols))
        assert sorted(len(slot.streams) for slot in running.forwarder.pool.slots) == [100, 200, 200]
        await wait_until_books_match(running, exchange)


@within_a_minute
async def test_a_connection_with_a_thousand_streams_keeps_to_the_messages_of_a_second(tmp_path: Path) -> None:
    """Its six requests are one more than the venue takes in a second."""
    symbols = tuple(f"S{number}USDT" for number in range(520))
    config = Config("binance", symbols, rate=1, shape=MarketShape(levels=20, touched=2), running=False)
    async with simulator(config) as exchange, forwarding(exchange, tmp_path) as running:
        await eventually(running.subscribed)
        assert max(len(slot.streams) for slot in running.forwarder.pool.slots) == STREAMS_PER_CONNECTION
        assert [each.disconnects for each in running.forwarder.stats.connections.values()] == [0, 0]
