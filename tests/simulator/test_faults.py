"""Every fault on every venue: the builder reports it, publishes no wrong book, and ends with the reference book."""

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from simulator import (
    Corrupt,
    Drop,
    Duplicate,
    FaultError,
    Freeze,
    Gap,
    Refuse,
    Reorder,
    Restart,
    Simulator,
    SlowSnapshot,
    WrongChecksum,
    WrongDigit,
    simulator,
)
from simulator.faults import Fault
from simulator.registry import SIMULATORS
from tests.simulator.clients import (
    DEPTH_PATHS,
    SYMBOLS,
    Client,
    assert_equals_reference,
    depth,
    halted,
    limited_time,
    listening,
    wait_until,
)

DETECTED = (
    Gap,
    Corrupt,
    WrongChecksum,
    WrongDigit,
)  # Reorder is detected except on Kraken, where a swap of two frames can have no effect
BRIEF = 0.1


FRAME_FAULTS = [
    (venue, kind(symbol=SYMBOLS[venue]))
    for venue in SIMULATORS
    for kind in (Gap, Duplicate, Reorder, Corrupt, *((WrongDigit, WrongChecksum) if venue == "kraken" else ()))
]


async def synced(exchange: Simulator, client: Client) -> None:
    await client.subscribe()
    exchange.step(5)
    await client.settle()
    assert client.states == ["synced"]


@pytest.mark.parametrize(("venue", "fault"), FRAME_FAULTS)
@limited_time
async def test_after_a_frame_fault_the_book_equals_the_reference_book(venue: str, fault: Fault) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await synced(exchange, client)
        assert exchange.inject(fault) == [1]
        exchange.step(30)
        await client.settle()
        exchange.step(5)
        await client.settle()
        assert_equals_reference(client, exchange)
        if isinstance(fault, DETECTED):
            assert client.states[1:] == ["gap", "synced"]
        if isinstance(fault, Duplicate):
            assert client.states == ["synced"]


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_corrupt_frame_is_not_json(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await synced(exchange, client)
        exchange.inject(Corrupt())
        exchange.step(2)
        await client.settle()
        assert len(client.rejects) == 1


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_fault_can_be_limited_to_one_connection(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as first, listening(exchange) as second:
        await synced(exchange, first)
        await second.subscribe()
        assert exchange.inject(Gap(connection=2, count=3)) == [2]
        exchange.step(5)
        await first.settle()
        assert first.states == ["synced"]
        assert [sum(each.lost.values()) for each in exchange.connections.values()] == [0, 3]


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_drop_cuts_the_connection_without_a_close_frame(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await synced(exchange, client)
        exchange.inject(Drop())
        with pytest.raises(ConnectionClosed) as closed:
            await client.settle()
        assert closed.value.rcvd is None


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_frozen_connection_sends_nothing_and_loses_its_frames(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await synced(exchange, client)
        exchange.inject(Freeze(seconds=BRIEF))
        end = exchange.clock() + BRIEF
        exchange.step(5)
        await wait_until(lambda: exchange.clock() > end)
        exchange.step(40)
        await client.settle()
        exchange.step(1)
        await client.settle()
        assert client.states == ["synced", "gap", "synced"]
        assert_equals_reference(client, exchange)


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_frozen_symbol_leaves_the_connection_alive(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await synced(exchange, client)
        before = client.book
        exchange.inject(Freeze(seconds=60, symbol=SYMBOLS[venue]))
        exchange.step(3)
        await client.settle()  # a reply was received
        assert client.book == before


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_restart_closes_with_1012_and_refuses_connections_until_its_end(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await synced(exchange, client)
        exchange.inject(Restart(seconds=60))
        with pytest.raises(ConnectionClosed) as closed:
            await client.until(lambda message: False)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1012
        with pytest.raises((InvalidMessage, ConnectionError)):
            async with listening(exchange):
                pass
        exchange.inject(Restart(seconds=0))
        async with listening(exchange) as again:
            await synced(exchange, again)
            exchange.step(1)
            await again.settle()
            assert_equals_reference(again, exchange)


@pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
@limited_time
async def test_binance_announces_a_shutdown(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await client.subscribe()
        exchange.inject(Restart(seconds=0))
        message = await client.until(lambda message: "stream" in message)
        assert message["data"]["e"] == "serverShutdown"


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_refused_connections_get_the_status_of_the_fault(venue: str) -> None:
    async with simulator(halted(venue)) as exchange:
        exchange.inject(Refuse(seconds=60, status=429))
        with pytest.raises(InvalidStatus) as refused:
            async with listening(exchange):
                pass
        assert refused.value.response.status_code == 429


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_refused_subscriptions_get_an_error_until_the_fault_ends(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        exchange.inject(Refuse(seconds=60, connections=False, subscriptions=True))
        assert "error" in await client.subscribe()
        exchange.inject(Refuse(seconds=0))
        assert "error" not in await client.subscribe()


@pytest.mark.parametrize(
    "address", ["binance/api/v3/depth?symbol=BTCUSDT", "deribit/api/v2/public/get_instruments?currency=BTC"]
)
@limited_time
async def test_refused_rest_requests_get_the_status_of_the_fault(address: str) -> None:
    venue, path = address.split("/", 1)
    async with simulator(halted(venue)) as exchange, aiohttp.ClientSession() as http:
        exchange.inject(Refuse(seconds=60, connections=False, snapshots=True, status=502))
        async with http.get(f"{exchange.rest_url}/{path}") as answer:
            assert answer.status == 502
        exchange.inject(Refuse(seconds=0))
        async with http.get(f"{exchange.rest_url}/{path}") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("venue", DEPTH_PATHS)
@limited_time
async def test_the_age_of_a_slow_rest_snapshot_is_its_delay(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await client.subscribe()
        exchange.inject(SlowSnapshot(seconds=60, delay_s=BRIEF))
        requested, then = exchange.clock(), exchange.reference_book(client.symbol).update_id
        body = await depth(exchange, client.symbol)
        assert exchange.clock() - requested >= BRIEF
        assert b'"lastUpdateId":%d,' % then in body


@pytest.mark.parametrize("venue", ["kraken", "deribit"])
@limited_time
async def test_updates_before_a_slow_in_band_snapshot_are_skipped(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        exchange.inject(SlowSnapshot(seconds=60, delay_s=1))
        due = exchange.clock() + 2
        await client.subscribe()
        exchange.step(5)
        await client.receive_all()
        assert client.book is None
        await wait_until(lambda: exchange.clock() > due)
        exchange.step(5)
        await client.receive_all()
        assert_equals_reference(client, exchange)


@pytest.mark.parametrize(
    ("venue", "fault", "reason"),
    [
        ("binance", WrongDigit(), "binance has no checksum to detect the fault; expected one of kraken"),
        ("kraken", Refuse(seconds=1, snapshots=True), "kraken has no REST to refuse: refuse subscriptions instead"),
        ("deribit", Drop(connection=7), "unknown connection 7; expected one of []"),
        ("binance", Gap(symbol="DOGE"), "unknown symbol 'DOGE'; expected one of BTCUSDT"),
    ],
)
@limited_time
async def test_an_unsupported_fault_is_refused_with_the_reason(venue: str, fault: Fault, reason: str) -> None:
    async with simulator(halted(venue)) as exchange:
        with pytest.raises((FaultError, LookupError), match=reason.replace("[", r"\[")):
            exchange.inject(fault)
