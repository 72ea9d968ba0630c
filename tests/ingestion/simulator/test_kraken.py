"""Kraken's acknowledgements, heartbeats and refusals."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ingestion.simulator import Limits, simulator
from tests.ingestion.simulator.clients import halted, listening, soon


def request(method: str, *symbols: str, channel: str = "book", depth: int | None = 25) -> dict[str, Any]:
    params = {"channel": channel, "symbol": list(symbols)} | ({} if depth is None else {"depth": depth})
    return {"method": method, "params": params, "req_id": 5}


@soon
async def test_a_status_frame_comes_first_unasked() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        said = await client.until(lambda said: True)
        assert said["channel"] == "status"
        assert said["data"][0]["connection_id"] > 2**63


@soon
async def test_each_symbol_is_acknowledged_and_refused_by_itself() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        accepted = await client.ask(request("subscribe", "BTC/USD", "X/Y"))
        refused = await client.until(lambda said: not said.get("success", True))
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
@soon
async def test_a_request_that_makes_no_sense_is_refused_with_why(message: dict[str, Any], error: str) -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.ask(request("subscribe", "BTC/USD"))
        refused = await client.ask(message)
        assert refused["success"] is False and refused["error"].startswith(error)


@soon
async def test_an_unsubscribed_book_is_silent_and_may_be_had_again() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.subscribe()
        assert (await client.subscribe("unsubscribe"))["success"]
        assert (await client.subscribe())["success"]


@soon
async def test_without_a_depth_a_book_has_ten_levels() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        assert (await client.ask(request("subscribe", "BTC/USD", depth=None)))["result"]["depth"] == 10
        exchange.step(5)
        await client.hear_all()
        assert client.book is not None and client.book.asks == exchange.truth("BTC/USD", 10).asks


@soon
async def test_heartbeats_come_once_anything_is_subscribed() -> None:
    async with simulator(halted("kraken", limits=Limits(heartbeat_s=0.02))) as exchange, listening(exchange) as client:
        assert next(iter(exchange.connections.values())).session.deadline() == float("inf")
        await client.subscribe()
        assert await client.until(lambda said: said.get("channel") == "heartbeat")


@soon
async def test_a_ping_is_answered_with_its_number() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        assert (await client.ask({"method": "ping", "req_id": 9}))["method"] == "pong"


@soon
async def test_a_connection_without_subscription_is_closed() -> None:
    async with simulator(halted("kraken", limits=Limits(idle_s=0.05))) as exchange, listening(exchange) as client:
        with pytest.raises(ConnectionClosed, match="no subscription"):
            await client.until(lambda said: False)


@soon
async def test_instruments_tell_the_precisions_of_the_checksum() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.ask({"method": "subscribe", "params": {"channel": "instrument"}, "req_id": 1})
        said = await client.until(lambda said: said.get("channel") == "instrument")
        pair = {"symbol": "BTC/USD", "status": "online", "price_precision": 1, "qty_precision": 8}
        assert said["data"]["pairs"] == [pair]


@soon
async def test_connection_attempts_are_counted() -> None:
    async with simulator(halted("kraken", limits=Limits(connects=0))) as exchange:
        with pytest.raises(InvalidStatus, match="429"):
            async with listening(exchange):
                pass
