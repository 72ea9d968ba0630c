"""The control port, and `depthflow simulate`."""

import socket
from pathlib import Path
from typing import Any, get_args

import aiohttp
import pytest
from typer.testing import CliRunner

from ingestion.simulator import Config, Simulator, simulator
from ingestion.simulator.cli import app
from ingestion.simulator.faults import Fault
from market.errors import UserError
from tests.ingestion.simulator.clients import halted, listening, soon


async def post(exchange: Simulator, path: str, body: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.post(exchange.control_url + path, json=body) as answer:
        return answer.status, await answer.json()


async def get(exchange: Simulator, path: str, **query: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(exchange.control_url + path, params=query) as answer:
        return answer.status, await answer.json()


@soon
async def test_a_fault_is_posted_and_what_it_took_is_counted() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.subscribe()
        assert await post(exchange, "/faults", {"fault": "gap", "count": 2}) == (200, {"connections": [1]})
        await post(exchange, "/steps", {"count": 5})
        _, (connection,) = await get(exchange, "/connections")
        assert connection["streams"] == ["book.25:BTC/USD"]
        assert (connection["sent"], connection["lost"]) == ({"BTC/USD book": 3}, {"BTC/USD book": 2})


@soon
async def test_the_truth_is_told() -> None:
    async with simulator(halted("kraken")) as exchange:
        exchange.step()
        status, told = await get(exchange, "/truth", symbol="BTC/USD", depth="3")
        truth = exchange.truth("BTC/USD", 3)
        assert (status, told["bids"], told["update_id"]) == (200, [list(x) for x in truth.bids], truth.update_id)


@soon
async def test_the_market_is_halted_and_goes_on() -> None:
    async with simulator(Config("binance", rate=200)) as exchange:
        await post(exchange, "/market", {"running": False})
        halted_at = exchange.truth("BTCUSDT", 1).update_id
        await get(exchange, "/")
        assert exchange.truth("BTCUSDT", 1).update_id == halted_at
        await post(exchange, "/market", {"running": True})
        while exchange.truth("BTCUSDT", 1).update_id == halted_at:
            await get(exchange, "/")


@soon
async def test_what_is_simulated_is_described() -> None:
    async with simulator(halted("deribit", seed=4)) as exchange:
        _, told = await get(exchange, "/")
        assert (told["venue"], told["symbols"], told["seed"]) == ("deribit", ["BTC-PERPETUAL"], 4)
        assert told["ws_url"] == exchange.ws_url


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"fault": "nosuch"}, "Invalid value 'nosuch'"),
        ({"fault": "gap", "count": 0}, "Expected `int` >= 1"),
        ({"fault": "freeze"}, "missing required field `seconds`"),
        ({"fault": "drop", "why": "x"}, "unknown field `why`"),
        ({"fault": "gap", "symbol": "DOGE"}, "no symbol 'DOGE'; there are BTCUSDT"),
    ],
)
@soon
async def test_a_fault_that_cannot_be_is_answered_with_why(body: dict[str, Any], error: str) -> None:
    async with simulator(halted("binance")) as exchange:
        status, told = await post(exchange, "/faults", body)
        assert status == 400 and error in told["error"]


@soon
async def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 cannot be had: .*. Choose another one"):
            async with simulator(Config("kraken", port=port)):
                pass


def test_an_unknown_venue_is_a_misuse() -> None:
    result = CliRunner().invoke(app, ["nosuch"])
    assert result.exit_code == 2
    assert "expected one of binance" in result.stderr


def test_a_shape_that_cannot_be_is_one_line() -> None:
    result = CliRunner().invoke(app, ["binance", "--levels", "3"])
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith("expected levels >= 20")


@pytest.mark.parametrize("fault", get_args(Fault))
def test_every_fault_is_described(fault: Any) -> None:
    described = Path(__file__).parents[3].joinpath("docs", "simulators.md").read_text()
    assert f"`{fault.__struct_config__.tag}`" in described
    for field in set(fault.__struct_fields__) - {"connection"}:
        assert f"`{field}`" in described


def test_the_same_seed_makes_the_same_book() -> None:
    books = [Simulator(Config("binance", seed=3, running=False)) for _ in range(2)]
    for book in books:
        book.step(10)
    assert books[0].truth("BTCUSDT")[3:] == books[1].truth("BTCUSDT")[3:]
