"""Over real sockets: broker outages, replacement before a lifetime ends, redundancy, stop, refusals, many symbols."""

from pathlib import Path
from time import monotonic

import pytest

from ingestion.forwarder.subscriptions import FatalRefusal
from ingestion.generator.instruments import VENUES
from ingestion.generator.market import Shape
from ingestion.simulator import Config, Drop, Gap, Limits, simulator
from tests.ingestion.forwarder.harness import Broker, caught_up, eventually, forwarding, soon

RATE = 40


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_nothing_is_lost_while_the_broker_is_away(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=200)) as exchange,
        forwarding(exchange, tmp_path, window_mb=0.05, queue_mb=0.2) as running,
    ):
        await caught_up(running, exchange)
        running.broker.away = True
        exchange.run_market(True)
        await eventually(lambda: running.forwarder.outlets[0].spill.count > 200)
        running.broker.back()
        await caught_up(running, exchange)
        assert [running.broker.states(symbol) for symbol in exchange.config.traded] == [["synced"], ["synced"]]


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_a_full_disk_drops_the_connection_and_says_how_much_was_lost(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=200)) as exchange,
        forwarding(exchange, tmp_path, window_mb=0.05, queue_mb=0.1, spill_mb=0.2) as running,
    ):
        await caught_up(running, exchange)
        running.broker.away = True
        exchange.run_market(True)
        await eventually(lambda: running.forwarder.ledger.dropped.total() > 0)
        running.broker.back()
        await eventually(running.subscribed)
        await caught_up(running, exchange)
        told = [(event.event, event.frames) for events in running.broker.envelopes.values() for event in events]
        dropped = sum(int(str(frames)) for event, frames in told if event == "dropped")
        assert dropped == running.forwarder.ledger.dropped.total() >= 1
        assert ("disconnected" in dict(told)) and all(
            "disconnected" in running.broker.events(symbol) for symbol in exchange.config.traded
        )


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_a_connection_is_replaced_before_its_life_ends_and_nothing_is_missed(venue: str, tmp_path: Path) -> None:
    async with (
        simulator(Config(venue, rate=100)) as exchange,
        forwarding(exchange, tmp_path, lifetime_s=0.8) as running,
    ):
        await caught_up(running, exchange)
        exchange.run_market(True)
        await eventually(
            lambda: all(running.broker.events(symbol).count("disconnected") >= 3 for symbol in exchange.config.traded)
        )
        await caught_up(running, exchange)
        for symbol in exchange.config.traded:
            if venue != "kraken":  # without sequence numbers its books change over with the connection
                assert running.broker.states(symbol) == ["synced"]
            events = running.broker.events(symbol)
            assert events[0] == "connected" and events[1] != "disconnected"  # the next one stood before the first went


def book_connections(broker: Broker, symbol: str) -> set[str]:
    """Those that brought updates of the symbol's book."""
    return {each.conn for each in broker.frames(symbol) if each.channel.startswith(("depth", "book"))}


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])
@soon
async def test_of_two_forwarders_one_may_die_and_nothing_is_lost(venue: str, tmp_path: Path) -> None:
    broker = Broker()
    async with simulator(Config(venue, rate=100)) as exchange, forwarding(exchange, tmp_path, broker) as first:
        await eventually(first.subscribed)
        dying, symbols = list(exchange.connections), exchange.config.traded
        async with forwarding(exchange, tmp_path, broker) as second:
            await caught_up(first, exchange)
            exchange.run_market(True)
            await eventually(lambda: all(len(book_connections(broker, symbol)) == 2 for symbol in symbols))
            for number in dying:
                exchange.inject(Drop(connection=number))
            await first.stop()
            await caught_up(second, exchange)
            assert [broker.states(symbol) for symbol in symbols] == [["synced"]] * len(symbols)


@soon
async def test_of_two_kraken_forwarders_the_other_takes_over(tmp_path: Path) -> None:
    broker = Broker()
    async with (
        simulator(Config("kraken", rate=100)) as exchange,
        forwarding(exchange, tmp_path, broker) as first,
        forwarding(exchange, tmp_path, broker) as second,
    ):
        await eventually(lambda: first.subscribed() and second.subscribed())
        await caught_up(first, exchange)
        exchange.run_market(True)
        await first.stop()
        await caught_up(second, exchange)


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_a_stop_unsubscribes_drains_and_flushes(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        exchange.run_market(True)
        before = running.broker.sent_bytes
        await eventually(lambda: running.broker.sent_bytes > before)
        await running.stop()
        await eventually(lambda: not exchange.connections)
        assert running.broker.closed and not running.broker.unacknowledged
        assert all(running.broker.events(symbol)[-1] == "disconnected" for symbol in exchange.config.traded)


@pytest.mark.parametrize(
    ("venue", "told"),
    [
        ("binance", "binance does not list NOPE"),
        ("binance_usdm", "binance_usdm does not list NOPE"),
        ("kraken", "kraken refuses NOPE book.25: .*"),
        ("deribit", "deribit refuses NOPE book.100ms: .*"),
    ],
)
@soon
async def test_an_unknown_symbol_stops_with_its_name(venue: str, told: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange:
        symbols = f"{exchange.config.traded[0]},NOPE"
        async with forwarding(exchange, tmp_path, symbols=symbols) as running:
            with pytest.raises(FatalRefusal, match=f"^{told}$"):
                await running.task


@soon
async def test_a_wrong_address_stops_with_the_status(tmp_path: Path) -> None:
    async with simulator(Config("kraken")) as exchange:
        async with forwarding(exchange, tmp_path, ws_url=exchange.ws_url + "/nowhere") as running:
            with pytest.raises(FatalRefusal, match="refused with HTTP status 404"):
                await running.task


@soon
async def test_kraken_says_by_close_code_1008_not_to_come_back(tmp_path: Path) -> None:
    async with simulator(Config("kraken", rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        for connection in exchange.connections.values():
            connection.leave(1008, "policy")
        with pytest.raises(FatalRefusal, match="^the venue closed the connection for good: 1008 policy$"):
            await running.task


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])
@soon
async def test_elsewhere_close_code_1008_is_a_disconnect_like_any_other(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        for connection in exchange.connections.values():
            connection.leave(1008, "Too many requests")
        symbols = exchange.config.traded
        await eventually(lambda: all("disconnected" in running.broker.events(symbol) for symbol in symbols))
        await eventually(running.subscribed)
        await caught_up(running, exchange)


@soon
async def test_two_hundred_lost_books_stay_within_the_venues_weight(tmp_path: Path) -> None:
    """2,400 of weight a minute: a burst of 36 snapshots of 20, then one a second. The venue refuses none."""
    symbols = tuple(f"S{number}USDT" for number in range(200))
    config = Config(
        "binance_usdm", symbols, rate=2, shape=Shape(levels=20, touched=2), limits=Limits(weight_per_min=2_400)
    )
    start = monotonic()
    async with simulator(config) as exchange, forwarding(exchange, tmp_path, channels="depth@100ms") as running:
        await eventually(running.subscribed)
        desk = running.forwarder.cure.desk
        assert desk is not None
        await eventually(lambda: desk.fetched.total() >= 37)
        exchange.inject(Gap())
        exchange.step(2)
        await eventually(lambda: desk.fetched.total() >= 39)
        assert not desk.failed and desk.fetched.total() + len(desk.open) >= len(symbols)
        assert desk.fetched.total() <= 37 + (monotonic() - start)


@soon
async def test_five_hundred_symbols_on_one_forwarder(tmp_path: Path) -> None:
    symbols = tuple(f"S{number}/USD" for number in range(500))
    config = Config("kraken", symbols, rate=2, shape=Shape(levels=30, touched=3))
    async with simulator(config) as exchange, forwarding(exchange, tmp_path, channels="book.25") as running:
        await eventually(lambda: all(symbol in running.broker.books for symbol in symbols))
        assert sorted(len(place.streams) for place in running.forwarder.pool.places) == [100, 200, 200]
        await caught_up(running, exchange)
