"""Faults of ids, times, single streams, dying connections and proxies."""

import asyncio
import re
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator import (
    ClockSkew,
    FaultError,
    Fillers,
    Http520,
    IdReset,
    NoGoodbye,
    SilentStream,
    Simulator,
    simulator,
)
from simulator.registry import SIMULATORS
from tests.simulator.clients import (
    PATHS,
    PROTOCOLS,
    SYMBOLS,
    Client,
    assert_equals_reference,
    depth,
    halted,
    limited_time,
    listening,
)
from tests.simulator.test_control import post
from venues.protocol import Stream
from venues.registry import VENUES

UPDATE_IDS = {"binance": rb'"u":(\d+)', "binance_usdm": rb'"u":(\d+)', "deribit": rb'"change_id":(\d+)'}
TIMES = {"binance": rb'"E":(\d+)', "binance_usdm": rb'"E":(\d+)', "deribit": rb'"timestamp":(\d+)'}
MINUTE_MS = 60_000


class Frames:
    """A socket that subscribes streams and collects the frames that a forwarder would forward."""

    def __init__(self, exchange: Simulator, socket: Any, channels: tuple[str, ...]) -> None:
        self.venue = exchange.config.venue
        self._classify = VENUES[self.venue].open_classifier()
        self._socket = socket
        self._streams = [Stream(channel, SYMBOLS[self.venue]) for channel in channels]

    async def subscribe(self, method: str = "subscribe") -> None:
        write = PROTOCOLS[self.venue].subscribe if method == "subscribe" else PROTOCOLS[self.venue].unsubscribe
        for number, stream in enumerate(self._streams):
            await self._socket.send(write([stream], 50 + number))
        await self.received()

    async def received(self) -> list[tuple[str, bytes]]:
        """Channel and bytes of every frame sent so far."""
        found = []
        while True:
            try:
                frame = await asyncio.wait_for(self._socket.recv(decode=False), 0.15)
            except asyncio.TimeoutError:
                return found
            channel, _, _, forwarded = self._classify(frame)
            if forwarded:
                found.append((channel, frame))


def numbers(pattern: bytes, frames: list[tuple[str, bytes]]) -> list[int]:
    return [int(found[1]) for _, frame in frames if (found := re.search(pattern, frame))]


async def books(exchange: Simulator, socket: Any) -> Frames:
    client = Frames(exchange, socket, PROTOCOLS[exchange.config.venue].channels[:1])
    await client.subscribe()
    return client


@pytest.mark.parametrize("venue", UPDATE_IDS)
@limited_time
async def test_ids_restart_lower_and_continue_from_there(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, connect(exchange.ws_url + PATHS[venue]) as socket:
        client = await books(exchange, socket)
        exchange.step(2)
        before = numbers(UPDATE_IDS[venue], await client.received())
        assert exchange.inject(IdReset(first_id=5_000)) == [1]
        exchange.step(2)
        after = numbers(UPDATE_IDS[venue], await client.received())
        assert 5_000 < after[0] < after[1] < before[0]
        assert exchange.reference_book(SYMBOLS[venue]).update_id == after[1]


@pytest.mark.parametrize("restart_time", [False, True])
@limited_time
async def test_times_go_on_after_an_id_reset_unless_they_restart_too(restart_time: bool) -> None:
    async with simulator(halted("binance")) as exchange, connect(exchange.ws_url + PATHS["binance"]) as socket:
        client = await books(exchange, socket)
        exchange.step()
        exchange.inject(IdReset(restart_time=restart_time))
        exchange.step()
        first, second = numbers(TIMES["binance"], await client.received())
        assert (second < first - 50 * MINUTE_MS) is restart_time


@limited_time
async def test_an_id_reset_may_close_the_connections() -> None:
    async with simulator(halted("deribit")) as exchange, listening(exchange) as client:
        await client.subscribe()
        exchange.inject(IdReset(close=True))
        with pytest.raises(ConnectionClosed) as closed:
            await client.receive_all()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1001


@limited_time
async def test_trade_ids_of_kraken_restart_too() -> None:
    async with simulator(halted("kraken")) as exchange, connect(exchange.ws_url + PATHS["kraken"]) as socket:
        client = Frames(exchange, socket, ("trade",))
        await client.subscribe()
        exchange.step(20)
        before = numbers(rb'"trade_id":(\d+)', await client.received())
        exchange.inject(IdReset(first_id=7_000))
        exchange.step(20)
        after = numbers(rb'"trade_id":(\d+)', await client.received())
        assert after[0] == 8 < before[0]


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_one_stream_is_silent_while_the_trades_of_its_symbol_go_on(venue: str) -> None:
    channels = PROTOCOLS[venue].channels if venue != "binance_usdm" else ("depth@100ms", "bookTicker")
    async with simulator(halted(venue)) as exchange, connect(exchange.ws_url + PATHS[venue]) as socket:
        client = Frames(exchange, socket, channels)
        await client.subscribe()
        exchange.inject(SilentStream(symbol=SYMBOLS[venue], seconds=60))
        exchange.step(30)
        assert {channel for channel, _ in await client.received()} == {channels[1]}
        await client.subscribe("unsubscribe")
        await client.subscribe()
        exchange.step(30)
        assert {channel for channel, _ in await client.received()} == set(channels)


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_dead_connection_answers_nothing_and_a_new_one_takes_over(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as first:
        await first.subscribe()
        exchange.inject(NoGoodbye())
        exchange.step(3)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(first.receive_all(), 0.2)
        assert list(exchange.connections) == [1]
        async with listening(exchange) as second:
            await synced(exchange, second)
            assert_equals_reference(second, exchange)


async def synced(exchange: Simulator, client: Client) -> None:
    await client.subscribe()
    for steps in (5, 1):
        exchange.step(steps)
        await client.settle()


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_a_proxy_answers_handshakes_and_rest_requests_with_its_own_page(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, aiohttp.ClientSession() as http:
        exchange.inject(Http520(seconds=60, status=521, retry_after_s=7))
        with pytest.raises(InvalidStatus) as refused:
            async with listening(exchange):
                pass
        assert refused.value.response.status_code == 521
        async with http.get(f"{exchange.rest_url}/api") as answer:
            assert (answer.status, answer.headers["Retry-After"], answer.content_type) == (521, "7", "text/html")
        exchange.inject(Http520(seconds=0))
        async with listening(exchange) as client:
            await synced(exchange, client)


@pytest.mark.parametrize("shift_s", [-30, 30])
@pytest.mark.parametrize("venue", TIMES)
@limited_time
async def test_event_times_are_shifted_until_the_skew_ends(venue: str, shift_s: int) -> None:
    async with simulator(halted(venue)) as exchange, connect(exchange.ws_url + PATHS[venue]) as socket:
        client = await books(exchange, socket)
        for seconds in (0, shift_s, 0):
            exchange.inject(ClockSkew(seconds=seconds))
            exchange.step()
        straight, shifted, again = numbers(TIMES[venue], await client.received())
        assert abs(shifted - straight - 1000 * shift_s) < 5_000 and abs(again - straight) < 5_000


@limited_time
async def test_snapshots_carry_the_shifted_time_too() -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        exchange.inject(ClockSkew(seconds=-600))
        body = msgspec.json.decode(await depth(exchange, SYMBOLS["binance_usdm"]))
        assert abs(body["E"] / 1000 - exchange.clock() + 600) < 5


@limited_time
async def test_fillers_are_sent_between_trades_and_marked_as_none() -> None:
    address = "/market/stream?streams=btcusdt@trade"
    async with simulator(halted("binance_usdm")) as exchange, connect(exchange.ws_url + address) as socket:
        exchange.inject(Fillers(symbol="BTCUSDT", count=4))
        exchange.step(40)
        client = Frames(exchange, socket, ("trade",))
        events = [msgspec.json.decode(frame)["data"] for _, frame in await client.received()]
        marks = [event["X"] for event in events]
        assert [mark for mark in marks if mark != "MARKET"] == ["NA", "INSURANCE_FUND", "ADL", "NA"]
        assert "MARKET" in marks and len({event["t"] for event in events}) == len(events)
        assert [(event["p"], event["q"]) for event in events if event["X"] == "NA"] == [("0", "0")] * 2


@pytest.mark.parametrize("venue", [each for each in SIMULATORS if each != "binance_usdm"])
@limited_time
async def test_fillers_of_other_venues_are_refused(venue: str) -> None:
    async with simulator(halted(venue)) as exchange:
        with pytest.raises(FaultError, match=f"{venue} has no fillers; expected binance_usdm"):
            exchange.inject(Fillers())


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "id_reset", "first_id": 9},
        {"fault": "silent_stream", "symbol": "BTCUSDT", "seconds": 1, "kind": "trade"},
        {"fault": "no_goodbye"},
        {"fault": "http_520", "seconds": 1},
        {"fault": "clock_skew", "seconds": -3.5},
        {"fault": "fillers", "count": 2},
    ],
)
@limited_time
async def test_the_control_port_takes_each_fault(fault: dict[str, Any]) -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        assert await post(exchange, "/faults", fault) == (200, {"connections": []})
