"""Binance's addresses, requests and limits, spot and USD-M."""

from dataclasses import replace
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ingestion.simulator import Limits, Simulator, simulator
from ingestion.simulator.venues.rules import LIMITS
from tests.ingestion.simulator.clients import eventually, halted, listening, soon

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


@soon
async def test_raw_addresses_give_events_and_combined_ones_wrap_them() -> None:
    async with simulator(halted("binance")) as exchange:
        raw = await first_frame(exchange, f"/ws/{DEPTH}")
        combined = await first_frame(exchange, f"/stream?streams={DEPTH}/{TRADES}")
        assert raw["e"] == combined["data"]["e"] == "depthUpdate"
        assert combined["stream"] == DEPTH
        assert combined["data"]["U"] == raw["u"] + 1


@soon
async def test_events_of_usdm_chain_by_pu_and_jump() -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        first = await first_frame(exchange, f"/public/ws/{DEPTH}")
        second = await first_frame(exchange, f"/public/ws/{DEPTH}")
        assert second["pu"] == first["u"] < second["U"] - 1


@soon
async def test_usdm_acknowledges_market_data_on_the_public_base_and_stays_silent() -> None:
    async with simulator(halted("binance_usdm")) as exchange, listening(exchange) as client:
        assert await client.ask(request("SUBSCRIBE", TRADES)) == {"result": None, "id": 7}
        exchange.step(50)
        await client.hear_all()
        assert not sum(next(iter(exchange.connections.values())).sent.values())


@soon
async def test_usdm_gives_market_data_on_the_market_base() -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        async with connect(f"{exchange.ws_url}/market/ws/{TRADES}") as socket:
            exchange.step(50)
            assert msgspec.json.decode(await socket.recv())["e"] == "aggTrade"


@BOTH
@soon
async def test_subscriptions_are_listed_and_end(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await client.ask(request("SUBSCRIBE", DEPTH, "nosuch@depth@100ms"))
        listed = await client.ask(request("LIST_SUBSCRIPTIONS"))
        assert listed["result"] == [DEPTH, "nosuch@depth@100ms"]
        await client.ask(request("UNSUBSCRIBE", DEPTH, "nosuch@depth@100ms"))
        assert (await client.ask(request("LIST_SUBSCRIPTIONS")))["result"] == []


@soon
async def test_the_book_ticker_is_the_best_of_the_book_under_the_same_id() -> None:
    async with simulator(halted("binance")) as exchange, connect(f"{exchange.ws_url}/ws/btcusdt@bookTicker") as socket:
        exchange.step()
        ticker = msgspec.json.decode(await socket.recv())
        truth = exchange.truth("BTCUSDT", 1)
        assert ticker["u"] == truth.update_id
        assert (float(ticker["b"]), float(ticker["B"])) == truth.bids[0]
        assert (float(ticker["a"]), float(ticker["A"])) == truth.asks[0]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (request("FOO"), "Invalid request: unknown variant `FOO`"),
        (request("SUBSCRIBE"), "Invalid request: params must be a list of stream names"),
        (request("SUBSCRIBE", "a", "b", "c"), "Invalid request: too many parameters"),
        ({"method": "SUBSCRIBE", "params": [DEPTH], "id": "x"}, "Invalid request: request ID must be an unsigned"),
    ],
)
@soon
async def test_a_request_that_makes_no_sense_is_answered_with_why(message: dict[str, Any], reason: str) -> None:
    async with simulator(halted("binance", limits=Limits(streams=2))) as exchange, listening(exchange) as client:
        await client.send(message)
        said = await client.until(lambda said: "error" in said)
        assert said["error"]["msg"].startswith(reason)


@soon
async def test_the_combined_property_unwraps_frames() -> None:
    async with simulator(halted("binance")) as exchange, listening(exchange) as client:
        assert (await client.ask(request("GET_PROPERTY", "combined")))["result"] is True
        await client.ask(request("SET_PROPERTY", "combined", False))
        assert (await client.ask(request("GET_PROPERTY", "combined")))["result"] is False


@BOTH
@soon
async def test_too_many_messages_end_the_connection(venue: str) -> None:
    async with simulator(halted(venue, limits=LIMITS[venue])) as exchange, listening(exchange) as client:
        with pytest.raises(ConnectionClosed, match="1008 .*Too many requests"):
            for _ in range(11):
                await client.send(request("LIST_SUBSCRIPTIONS"))
            await client.until(lambda said: False)


@BOTH
@soon
async def test_the_server_pings_and_leaves_who_does_not_answer(venue: str) -> None:
    limits = Limits(ping_every_s=0.02, pong_within_s=0.05)
    async with simulator(halted(venue, limits=limits)) as exchange, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{exchange.ws_url}/ws", autoping=False) as socket:
            assert (await socket.receive()).type is aiohttp.WSMsgType.PING
            await eventually(lambda: not exchange.connections)


@soon
async def test_who_answers_pings_stays_until_the_lifetime_is_over() -> None:
    limits = Limits(ping_every_s=0.02, pong_within_s=0.1, lifetime_s=0.4)
    async with simulator(halted("binance", limits=limits)) as exchange, listening(exchange) as client:
        born = exchange.clock()
        with pytest.raises(ConnectionClosed, match="1001 .*lifetime is over"):
            await client.until(lambda said: False)
        assert exchange.clock() - born > 0.3


@soon
async def test_connection_attempts_are_counted() -> None:
    async with simulator(halted("binance", limits=Limits(connects=1))) as exchange:
        async with listening(exchange):
            pass
        with pytest.raises(InvalidStatus, match="429"):
            async with listening(exchange):
                pass


@soon
async def test_an_address_that_does_not_exist_is_404() -> None:
    async with simulator(halted("binance")) as exchange:
        with pytest.raises(InvalidStatus, match="404"):
            async with listening(exchange, "/v2"):
                pass


@pytest.mark.parametrize(("limit", "weight"), [(100, 5), (101, 25), (1000, 50), (5000, 250)])
@soon
async def test_a_spot_book_weighs_by_its_limit(limit: int, weight: int) -> None:
    async with simulator(halted("binance")) as exchange:
        answer = await rest(exchange, "/api/v3/depth", symbol="BTCUSDT", limit=str(limit))
        assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


@soon
async def test_beyond_the_weight_of_a_minute_comes_429_and_then_418() -> None:
    limits = replace(LIMITS["binance_usdm"], weight_per_min=20, over_weight=1)
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
@soon
async def test_a_book_that_cannot_be_given_is_400(path: str, query: dict[str, str], code: int) -> None:
    async with simulator(halted("binance")) as exchange:
        answer = await rest(exchange, path, **query)
        assert (answer.status, (await answer.json())["code"]) == (400, code)


@soon
async def test_the_weight_budget_is_read_in_exchange_info() -> None:
    async with simulator(halted("binance", limits=LIMITS["binance"])) as exchange:
        info = await (await rest(exchange, "/api/v3/exchangeInfo")).json()
        assert info["rateLimits"][0]["limit"] == 6000
        assert info["symbols"] == [{"symbol": "BTCUSDT", "status": "TRADING"}]
