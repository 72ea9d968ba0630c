"""Option chains over the simulated Deribit's sockets."""

from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from ingestion.generator.chain import ChainShape
from ingestion.simulator import Config, Gap, Simulator, simulator
from tests.ingestion.simulator.clients import halted, soon

SHAPE = ChainShape(expiries=2, strikes=21)
CONFIG: Config = halted("deribit", chains=("BTC", "NIFTY"), chain_shape=SHAPE)


async def get(address: str, **query: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(address, params=query) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def rest(exchange: Simulator, method: str, **query: str) -> Any:
    return (await get(f"{exchange.rest_url}/api/v2/public/{method}", **query))["result"]


async def told(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = msgspec.json.decode(await socket.recv())
    return message


async def subscribe(socket: ClientConnection, *channels: str) -> list[str]:
    call = {"jsonrpc": "2.0", "id": 1, "method": "public/subscribe", "params": {"channels": channels}}
    await socket.send(msgspec.json.encode(call), text=True)
    accepted: list[str] = (await told(socket))["result"]
    return accepted


def listening(exchange: Simulator) -> connect:
    return connect(f"{exchange.ws_url}/ws/api/v2")


@soon
async def test_a_whole_chain_is_discovered_subscribed_and_told_at_once() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        rows = await rest(exchange, "get_instruments", currency="BTC", kind="option")
        channels = [f"ticker.{row['instrument_name']}.100ms" for row in rows]
        assert len(await subscribe(socket, *channels)) == 2 * 2 * 21
        first = [(await told(socket))["params"]["data"] for _ in channels]
        truth = await get(f"{exchange.control_url}/chain", underlying="BTC")
        assert sorted(first, key=str) == sorted(truth["tickers"], key=str)


@soon
async def test_a_step_quotes_one_expiry_anew() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        names = [row["instrument_name"] for row in await rest(exchange, "get_instruments", currency="NIFTY")]
        await subscribe(socket, *(f"ticker.{name}.100ms" for name in names))
        for _ in names:
            await told(socket)
        exchange.step()
        quoted = [(await told(socket))["params"]["data"]["instrument_name"] for _ in range(2 * 21)]
        assert len({name.split("-")[1] for name in quoted}) == 1


@soon
async def test_the_index_is_told_and_may_be_asked_for() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        await subscribe(socket, "deribit_price_index.btc_usd")
        await told(socket)
        exchange.step()
        data = (await told(socket))["params"]["data"]
        asked = await rest(exchange, "get_index_price", index_name="btc_usd")
        assert (data["index_name"], data["price"]) == ("btc_usd", asked["index_price"])


@soon
async def test_instruments_say_when_they_come_and_go() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        before = await rest(exchange, "get_instruments", currency="BTC", kind="option")
        await subscribe(socket, "instrument.state.option.BTC")
        exchange.roll("BTC")
        states = [(await told(socket))["params"]["data"] for _ in range(2 * 2 * 21)]
        after = await rest(exchange, "get_instruments", currency="BTC", kind="option")
        gone, new = ({s["instrument_name"] for s in states if s["state"] == state} for state in ("closed", "started"))
        names = {row["instrument_name"] for row in before}
        assert {row["instrument_name"] for row in after} == names - gone | new
        assert gone < names and not new & names


@soon
async def test_the_summary_has_a_row_an_option() -> None:
    async with simulator(CONFIG) as exchange:
        rows = await rest(exchange, "get_book_summary_by_currency", currency="BTC", kind="option")
        ticker = await rest(exchange, "ticker", instrument_name=rows[0]["instrument_name"])
        assert len(rows) == 2 * 2 * 21
        assert (rows[0]["mark_iv"], rows[0]["open_interest"]) == (ticker["mark_iv"], ticker["open_interest"])


@soon
async def test_a_frame_fault_meets_the_tickers_of_a_chain() -> None:
    async with simulator(CONFIG) as exchange, listening(exchange) as socket:
        await subscribe(socket, "deribit_price_index.btc_usd", "deribit_price_index.nifty")
        exchange.inject(Gap(symbol="BTC", kind="index"))
        exchange.step(3)
        (connection,) = exchange.connections.values()
        assert (connection.sent["BTC", "index"], connection.sent["NIFTY", "index"]) == (2, 3)
        assert connection.lost["BTC", "index"] == 1
