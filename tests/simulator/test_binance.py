"""Binance's addresses, requests and limits, spot and USD-M."""

from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator import Limits, Simulator, simulator
from simulator.registry import SIMULATORS
from tests.simulator.clients import halted, limited_time, listening, wait_until

BOTH = pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
DEPTH, TRADES = "btcusdt@depth@100ms", "btcusdt@aggTrade"


def request(method: str, *params: Any, number: int = 7) -> dict[str, Any]:
    return {"method": method, "params": list(params), "id": number}


async def first_frame(exchange: Simulator, path: str) -> dict[str, Any]:
    async with connect(exchange.ws_url + path) as socket:
        exchange.step()
        frame: dict[str, Any] = msgspec.json.decode(await socket.recv())
        return frame


async def rest(exchange: Simulator, path: str, **query: str) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession() as http, http.get(exchange.rest_url + path, params=query) as answer:
        await answer.read()
        return answer


@limited_time
async def test_raw_addresses_send_events_and_combined_addresses_wrap_them() -> None:
    async with simulator(halted("binance")) as exchange:
        raw = await first_frame(exchange, f"/ws/{DEPTH}")
        combined = await first_frame(exchange, f"/stream?streams={DEPTH}/{TRADES}")
        assert raw["e"] == combined["data"]["e"] == "depthUpdate"
        assert combined["stream"] == DEPTH
        assert combined["data"]["U"] == raw["u"] + 1


@limited_time
async def test_events_of_usdm_chain_by_pu_and_jump() -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        first = await first_frame(exchange, f"/public/ws/{DEPTH}")
        second = await first_frame(exchange, f"/public/ws/{DEPTH}")
        assert second["pu"] == first["u"] < second["U"] - 1


@limited_time
async def test_usdm_acknowledges_market_data_on_the_public_base_and_sends_none() -> None:
    async with simulator(halted("binance_usdm")) as exchange, listening(exchange) as client:
        assert await client.request(request("SUBSCRIBE", TRADES)) == {"result": None, "id": 7}
        exchange.step(50)
        await client.receive_all()
        assert not sum(next(iter(exchange.connections.values())).sent.values())


@limited_time
async def test_usdm_sends_market_data_on_the_market_base() -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        async with connect(f"{exchange.ws_url}/market/ws/{TRADES}") as socket:
            exchange.step(50)
            assert msgspec.json.decode(await socket.recv())["e"] == "aggTrade"


@BOTH
@limited_time
async def test_subscriptions_are_listed_and_can_be_cancelled(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await client.request(request("SUBSCRIBE", DEPTH, "nosuch@depth@100ms"))
        listed = await client.request(request("LIST_SUBSCRIPTIONS"))
        assert listed["result"] == [DEPTH, "nosuch@depth@100ms"]
        await client.request(request("UNSUBSCRIBE", DEPTH, "nosuch@depth@100ms"))
        assert (await client.request(request("LIST_SUBSCRIPTIONS")))["result"] == []


@limited_time
async def test_the_book_ticker_equals_the_touch_of_the_same_id() -> None:
    async with simulator(halted("binance")) as exchange, connect(f"{exchange.ws_url}/ws/btcusdt@bookTicker") as socket:
        exchange.step()
        ticker = msgspec.json.decode(await socket.recv())
        reference = exchange.reference_book("BTCUSDT", 1)
        assert ticker["u"] == reference.update_id
        assert (float(ticker["b"]), float(ticker["B"])) == reference.bids[0]
        assert (float(ticker["a"]), float(ticker["A"])) == reference.asks[0]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (request("FOO"), "Invalid request: unknown variant `FOO`"),
        (request("SUBSCRIBE"), "Invalid request: params must be a list of stream names"),
        (request("SUBSCRIBE", "a", "b", "c"), "Invalid request: too many parameters"),
        ({"method": "SUBSCRIBE", "params": [DEPTH], "id": "x"}, "Invalid request: request ID must be an unsigned"),
    ],
)
@limited_time
async def test_an_invalid_request_gets_an_error_with_the_reason(message: dict[str, Any], reason: str) -> None:
    async with simulator(halted("binance", limits=Limits(streams=2))) as exchange, listening(exchange) as client:
        await client.send(message)
        reply = await client.until(lambda received: "error" in received)
        assert reply["error"]["msg"].startswith(reason)


@limited_time
async def test_the_combined_property_unwraps_frames() -> None:
    async with simulator(halted("binance")) as exchange, listening(exchange) as client:
        assert (await client.request(request("GET_PROPERTY", "combined")))["result"] is True
        await client.request(request("SET_PROPERTY", "combined", False))
        assert (await client.request(request("GET_PROPERTY", "combined")))["result"] is False


@BOTH
@limited_time
async def test_too_many_messages_close_the_connection(venue: str) -> None:
    async with simulator(halted(venue, limits=SIMULATORS[venue].limits)) as exchange, listening(exchange) as client:
        with pytest.raises(ConnectionClosed, match="1008 .*Too many requests"):
            for _ in range(11):
                await client.send(request("LIST_SUBSCRIPTIONS"))
            await client.until(lambda message: False)


@BOTH
@limited_time
async def test_a_client_that_does_not_answer_pings_is_disconnected(venue: str) -> None:
    limits = Limits(ping_every_s=0.02, pong_within_s=0.05)
    async with simulator(halted(venue, limits=limits)) as exchange, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{exchange.ws_url}/ws", autoping=False) as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.PING
            await wait_until(lambda: not exchange.connections)


@limited_time
async def test_a_client_that_answers_pings_is_disconnected_at_the_end_of_its_lifetime() -> None:
    limits = Limits(ping_every_s=0.02, pong_within_s=2, lifetime_s=3)
    async with simulator(halted("binance", limits=limits)) as exchange, listening(exchange) as client:
        born = exchange.clock()
        with pytest.raises(ConnectionClosed, match="1001 .*lifetime is over"):
            await client.until(lambda message: False)
        assert exchange.clock() - born > 2.9


@limited_time
async def test_connection_attempts_are_counted() -> None:
    async with simulator(halted("binance", limits=Limits(connects=1))) as exchange:
        async with listening(exchange):
            pass
        with pytest.raises(InvalidStatus, match="429"):
            async with listening(exchange):
                pass


@limited_time
async def test_an_unknown_address_is_404() -> None:
    async with simulator(halted("binance")) as exchange:
        with pytest.raises(InvalidStatus, match="404"):
            async with listening(exchange, "/v2"):
                pass


@pytest.mark.parametrize(("limit", "weight"), [(100, 5), (101, 25), (1000, 50), (5000, 250)])
@limited_time
async def test_the_weight_of_a_spot_book_depends_on_its_limit(limit: int, weight: int) -> None:
    async with simulator(halted("binance")) as exchange:
        answer = await rest(exchange, "/api/v3/depth", symbol="BTCUSDT", limit=str(limit))
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


@limited_time
async def test_requests_beyond_the_weight_of_a_minute_get_429_and_then_418() -> None:
    limits = replace(SIMULATORS["binance_usdm"].limits, weight_per_min=20, over_weight=1)
    async with simulator(halted("binance_usdm", limits=limits)) as exchange:
        query = {"symbol": "BTCUSDT", "limit": "1000"}
        answers = [await rest(exchange, "/fapi/v1/depth", **query) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 429, 418]
        assert 0 < int(answers[1].headers["Retry-After"]) <= 61
        assert int(answers[2].headers["Retry-After"]) > 100


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/api/v3/depth", {"symbol": "DOGEUSDT"}, -1121),
        ("/api/v3/depth", {}, -1102),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "0"}, -1100),
    ],
)
@limited_time
async def test_an_invalid_book_request_is_400(path: str, query: dict[str, str], code: int) -> None:
    async with simulator(halted("binance")) as exchange:
        answer = await rest(exchange, path, **query)
        assert (answer.status, (await answer.json())["code"]) == (400, code)


@limited_time
async def test_exchange_info_contains_the_weight_budget() -> None:
    async with simulator(halted("binance", limits=SIMULATORS["binance"].limits)) as exchange:
        info = await (await rest(exchange, "/api/v3/exchangeInfo")).json()
        assert info["rateLimits"][0]["limit"] == 6000
        assert info["symbols"] == [{"symbol": "BTCUSDT", "status": "TRADING"}]
