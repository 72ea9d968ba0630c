"""Kraken's acknowledgements, heartbeats and refusals."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator import Limits, simulator
from tests.simulator.clients import halted, limited_time, listening


def request(method: str, *symbols: str, channel: str = "book", depth: int | None = 25) -> dict[str, Any]:
    params = {"channel": channel, "symbol": list(symbols)} | ({} if depth is None else {"depth": depth})
    return {"method": method, "params": params, "req_id": 5}


@limited_time
async def test_the_first_frame_is_a_status() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        message = await client.until(lambda message: True)
        assert message["channel"] == "status"
        assert message["data"][0]["connection_id"] > 2**63


@limited_time
async def test_each_symbol_has_its_own_reply() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        accepted = await client.request(request("subscribe", "BTC/USD", "X/Y"))
        refused = await client.until(lambda message: not message.get("success", True))
        assert accepted["result"] == {"channel": "book", "depth": 25, "symbol": "BTC/USD", "snapshot": True}
        assert (refused["error"], refused["symbol"]) == ("Currency pair not supported X/Y", "X/Y")
        assert "time_in" in accepted and "time_out" in accepted


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (request("subscribe", "BTC/USD"), "Already subscribed"),
        (request("unsubscribe", "BTC/USD", depth=10), "Subscription Not Found"),
        (request("subscribe", "BTC/USD", depth=11), "Subscription depth not supported"),
        (request("subscribe", "BTC/USD", channel="ohlc"), "Malformed request: expected channel book or trade"),
        (request("dance", "BTC/USD"), "Unsupported method 'dance'"),
    ],
)
@limited_time
async def test_an_invalid_request_is_refused_with_the_reason(message: dict[str, Any], error: str) -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.request(request("subscribe", "BTC/USD"))
        refused = await client.request(message)
        assert refused["success"] is False and refused["error"].startswith(error)


@limited_time
async def test_an_unsubscribed_book_can_be_subscribed_again() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.subscribe()
        assert (await client.subscribe("unsubscribe"))["success"]
        assert (await client.subscribe())["success"]


@limited_time
async def test_without_a_depth_a_book_has_ten_levels() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        assert (await client.request(request("subscribe", "BTC/USD", depth=None)))["result"]["depth"] == 10
        exchange.step(5)
        await client.receive_all()
        assert client.book is not None and client.book.asks == exchange.reference_book("BTC/USD", 10).asks


@limited_time
async def test_heartbeats_start_with_the_first_subscription() -> None:
    async with simulator(halted("kraken", limits=Limits(heartbeat_s=0.02))) as exchange, listening(exchange) as client:
        assert next(iter(exchange.connections.values())).session.deadline() == float("inf")
        await client.subscribe()
        assert await client.until(lambda message: message.get("channel") == "heartbeat")


@limited_time
async def test_a_pong_has_the_id_of_its_ping() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        assert (await client.request({"method": "ping", "req_id": 9}))["method"] == "pong"


@limited_time
async def test_a_connection_without_subscription_is_closed() -> None:
    async with simulator(halted("kraken", limits=Limits(idle_s=0.05))) as exchange, listening(exchange) as client:
        with pytest.raises(ConnectionClosed, match="no subscription"):
            await client.until(lambda message: False)


@limited_time
async def test_instruments_contain_the_precisions_of_the_checksum() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.request({"method": "subscribe", "params": {"channel": "instrument"}, "req_id": 1})
        message = await client.until(lambda message: message.get("channel") == "instrument")
        pair = {"symbol": "BTC/USD", "status": "online", "price_precision": 1, "qty_precision": 8}
        assert message["data"]["pairs"] == [pair]


@limited_time
async def test_connection_attempts_are_counted() -> None:
    async with simulator(halted("kraken", limits=Limits(connects=0))) as exchange:
        with pytest.raises(InvalidStatus, match="429"):
            async with listening(exchange):
                pass
