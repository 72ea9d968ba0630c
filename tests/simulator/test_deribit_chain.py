"""Option chains over the simulated Deribit's sockets."""

from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from simulator import Config, Gap, Simulator, simulator
from simulator.generator.chain import ChainShape
from tests.simulator.clients import halted, limited_time

SHAPE = ChainShape(expiries=2, strikes=21)
CONFIG: Config = halted("deribit", chains=("BTC", "NIFTY"), chain_shape=SHAPE)


async def get(address: str, **query: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(address, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def rest(exchange: Simulator, method: str, **query: str) -> Any:
    return (await get(f"{exchange.rest_url}/api/v2/public/{method}", **query))["result"]


async def receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = msgspec.json.decode(await socket.recv())
    return message


async def subscribe(socket: ClientConnection, *channels: str) -> list[str]:
    call = {"jsonrpc": "2.0", "id": 1, "method": "public/subscribe", "params": {"channels": channels}}
    await socket.send(msgspec.json.encode(call), text=True)
    accepted: list[str] = (await receive(socket))["result"]
    return accepted


def listening(exchange: Simulator) -> connect:
    return connect(f"{exchange.ws_url}/ws/api/v2")


@limited_time
async def test_a_complete_chain_is_listed_subscribed_and_published_at_once() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        rows = await rest(exchange, "get_instruments", currency="BTC", kind="option")
        channels = [f"ticker.{row['instrument_name']}.100ms" for row in rows]
        assert len(await subscribe(socket, *channels)) == 2 * 2 * 21
        first = [(await receive(socket))["params"]["data"] for _ in channels]
        reference = await get(f"{exchange.control_url}/chain", underlying="BTC")
        assert sorted(first, key=str) == sorted(reference["tickers"], key=str)


@limited_time
async def test_a_step_requotes_one_expiry() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        names = [row["instrument_name"] for row in await rest(exchange, "get_instruments", currency="NIFTY")]
        await subscribe(socket, *(f"ticker.{name}.100ms" for name in names))
        for _ in names:
            await receive(socket)
        exchange.step()
        quoted = [(await receive(socket))["params"]["data"]["instrument_name"] for _ in range(2 * 21)]
        assert len({name.split("-")[1] for name in quoted}) == 1


@limited_time
async def test_the_index_is_published_and_can_be_requested() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        await subscribe(socket, "deribit_price_index.btc_usd")
        await receive(socket)
        exchange.step()
        data = (await receive(socket))["params"]["data"]
        requested = await rest(exchange, "get_index_price", index_name="btc_usd")
        assert (data["index_name"], data["price"]) == ("btc_usd", requested["index_price"])


@limited_time
async def test_the_states_of_instruments_are_published() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        before = await rest(exchange, "get_instruments", currency="BTC", kind="option")
        await subscribe(socket, "instrument.state.option.BTC")
        exchange.roll("BTC")
        states = [(await receive(socket))["params"]["data"] for _ in range(2 * 2 * 21)]
        after = await rest(exchange, "get_instruments", currency="BTC", kind="option")
        gone, new = ({s["instrument_name"] for s in states if s["state"] == state} for state in ("closed", "started"))
        names = {row["instrument_name"] for row in before}
        assert {row["instrument_name"] for row in after} == names - gone | new
        assert gone < names and not new & names


@limited_time
async def test_the_summary_has_one_row_per_option() -> None:
    async with simulator(CONFIG) as exchange:
        rows = await rest(exchange, "get_book_summary_by_currency", currency="BTC", kind="option")
        ticker = await rest(exchange, "ticker", instrument_name=rows[0]["instrument_name"])
        assert len(rows) == 2 * 2 * 21
        assert (rows[0]["mark_iv"], rows[0]["open_interest"]) == (ticker["mark_iv"], ticker["open_interest"])


@limited_time
async def test_a_frame_fault_affects_the_frames_of_a_chain() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        await subscribe(socket, "deribit_price_index.btc_usd", "deribit_price_index.nifty")
        exchange.inject(Gap(symbol="BTC", kind="index"))
        exchange.step(3)
        (connection,) = exchange.connections.values()
        assert (connection.sent["BTC", "index"], connection.sent["NIFTY", "index"]) == (2, 3)
        assert connection.lost["BTC", "index"] == 1
