"""Deribit's JSON-RPC, credits and heartbeats."""

from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from simulator import Limits, Simulator, simulator
from simulator.session import Close
from tests.simulator.clients import Client, halted, limited_time, listening

ANY_HEARTBEAT = Limits(heartbeat_s=0)
BOOK, TRADES = "book.BTC-PERPETUAL.100ms", "trades.BTC-PERPETUAL.100ms"


def call(method: str, number: int = 3, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


async def rest(exchange: Simulator, method: str, **query: str) -> tuple[int, dict[str, Any]]:
    address = f"{exchange.rest_url}/api/v2/{method}"
    async with aiohttp.ClientSession() as http, http.get(address, params=query) as answer:
        return answer.status, await answer.json()


async def heartbeats(client: Client, interval: int) -> Any:
    return await client.request(call("public/set_heartbeat", interval=interval))


@limited_time
async def test_known_channels_are_acknowledged_and_others_left_out() -> None:
    async with simulator(halted("deribit")) as exchange, listening(exchange) as client:
        reply = await client.request(call("public/subscribe", channels=[TRADES, "book.NOSUCH.100ms", BOOK]))
        assert set(reply["result"]) == {BOOK, TRADES}
        assert {"usIn", "usOut", "usDiff", "testnet"} <= reply.keys()
        assert (await client.request(call("public/unsubscribe", channels=[TRADES])))["result"] == [TRADES]


@limited_time
async def test_a_raw_channel_needs_a_key() -> None:
    async with simulator(halted("deribit")) as exchange, listening(exchange) as client:
        reply = await client.request(call("public/subscribe", channels=["book.BTC-PERPETUAL.raw"]))
        assert reply["error"]["code"] == 13778


@limited_time
async def test_a_burst_of_too_many_subscriptions_closes_the_session() -> None:
    async with simulator(halted("deribit")) as exchange, listening(exchange) as client:
        for number in range(20):
            await client.send(call("public/subscribe", number, channels=[BOOK]))
        refused = await client.until(lambda message: "error" in message)
        assert refused["error"] == {"message": "too_many_requests", "code": 10028}
        with pytest.raises(ConnectionClosed, match="too_many_requests"):
            await client.until(lambda message: False)


@limited_time
async def test_a_client_that_does_not_answer_a_test_request_is_disconnected() -> None:
    async with simulator(halted("deribit", limits=ANY_HEARTBEAT)) as exchange, listening(exchange) as client:
        assert (await heartbeats(client, 10))["result"] == "ok"
        session = next(iter(exchange.connections.values())).session
        beats = [msgspec.json.decode(frame)["params"]["type"] for frame in session.tick(session.deadline())]
        assert beats == ["heartbeat", "test_request"]
        assert Close(1008, "test_request was not answered") in session.tick(session.deadline())


@limited_time
async def test_a_client_that_answers_a_test_request_stays_connected() -> None:
    async with simulator(halted("deribit", limits=ANY_HEARTBEAT)) as exchange, listening(exchange) as client:
        await heartbeats(client, 10)
        session = next(iter(exchange.connections.values())).session
        session.tick(session.deadline())
        await client.request(call("public/test"))
        assert not any(isinstance(out, Close) for out in session.tick(session.deadline()))


@limited_time
async def test_heartbeats_have_a_shortest_interval() -> None:
    async with simulator(halted("deribit", limits=Limits(heartbeat_s=10))) as exchange, listening(exchange) as client:
        assert (await heartbeats(client, 9))["error"]["data"]["reason"] == "must be at least 10"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (call("public/dance"), -32601),
        (call("public/subscribe", channels="x"), -32602),
        (call("public/get_order_book", instrument_name="NOSUCH"), -32602),
    ],
)
@limited_time
async def test_an_invalid_call_gets_an_error(message: dict[str, Any], code: int) -> None:
    async with simulator(halted("deribit")) as exchange, listening(exchange) as client:
        assert (await client.request(message))["error"]["code"] == code


@limited_time
async def test_the_number_of_connections_is_limited() -> None:
    async with simulator(halted("deribit", limits=Limits(connections=1))) as exchange, listening(exchange):
        with pytest.raises(InvalidStatus, match="429"):
            async with listening(exchange):
                pass


@limited_time
async def test_a_message_that_is_too_long_closes_the_session() -> None:
    async with simulator(halted("deribit", limits=Limits(incoming_bytes=100))) as exchange:
        async with listening(exchange) as client:
            await client.send(call("public/subscribe", channels=[BOOK] * 10))
            with pytest.raises(ConnectionClosed, match="Request entity too large"):
                await client.until(lambda message: False)


@limited_time
async def test_instruments_are_listed_over_rest_at_a_limited_rate() -> None:
    async with simulator(halted("deribit", limits=Limits(snapshots_per_s=1))) as exchange:
        status, reply = await rest(exchange, "public/get_instruments", currency="BTC", kind="future")
        assert [row["instrument_name"] for row in reply["result"]] == ["BTC-PERPETUAL"]
        again, refused = await rest(exchange, "public/get_instruments", currency="BTC")
        assert (status, again, refused["error"]["code"]) == (200, 429, 10028)


@limited_time
async def test_an_order_book_equals_the_reference_book() -> None:
    async with simulator(halted("deribit")) as exchange:
        exchange.step(3)
        _, reply = await rest(exchange, "public/get_order_book", instrument_name="BTC-PERPETUAL", depth="7")
        reference = exchange.reference_book("BTC-PERPETUAL", 7)
        assert reply["result"]["bids"] == [list(level) for level in reference.bids]
        assert reply["result"]["change_id"] == reference.update_id
