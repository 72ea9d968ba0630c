"""The control port, and `depthflow simulate`."""

import socket
import time
from typing import Any, get_args

import aiohttp
import pytest
from typer.testing import CliRunner

from core.errors import UserError
from core.resources import ROOT
from simulator import Config, Simulator, simulator
from simulator.cli import app
from simulator.faults import Fault
from tests.simulator.clients import halted, limited_time, listening


async def post(exchange: Simulator, path: str, body: Any) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.post(exchange.control_url + path, json=body) as answer:
        return answer.status, await answer.json()


async def get(exchange: Simulator, path: str, **query: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(exchange.control_url + path, params=query) as answer:
        return answer.status, await answer.json()


@limited_time
async def test_a_posted_fault_counts_the_frames_it_removes() -> None:
    async with simulator(halted("kraken")) as exchange, listening(exchange) as client:
        await client.subscribe()
        assert await post(exchange, "/faults", {"fault": "gap", "count": 2}) == (200, {"connections": [1]})
        await post(exchange, "/steps", {"count": 5})
        _, (connection,) = await get(exchange, "/connections")
        assert connection["streams"] == ["book.25:BTC/USD"]
        assert (connection["sent"], connection["lost"]) == ({"BTC/USD book": 3}, {"BTC/USD book": 2})


@limited_time
@pytest.mark.parametrize(("side", "sign"), [("bid", 1), ("ask", -1)])
async def test_a_planted_imbalance_lasts_for_its_time(side: str, sign: int) -> None:
    async with simulator(halted("binance")) as exchange:
        plant = {"symbol": "BTCUSDT", "condition": "imbalance", "side": side, "seconds": 2}
        begin = time.time()
        status, planted = await post(exchange, "/plant", plant)
        assert status == 200 and abs(planted["time_us"] / 1e6 - begin) < 5
        await post(exchange, "/steps", {"count": 5})
        assert sign * await imbalance(exchange) > 0.9
        while sign * await imbalance(exchange) > 0.9:
            await post(exchange, "/market", {"running": False})
        assert time.time() - begin >= 2


async def imbalance(exchange: Simulator) -> float:
    """Imbalance of the best ten levels."""
    _, book = await get(exchange, "/truth", symbol="BTCUSDT", depth="10")
    bids, asks = (sum(size for _, size in book[side]) for side in ("bids", "asks"))
    return float((bids - asks) / (bids + asks))


@limited_time
async def test_a_plant_of_an_unknown_symbol_is_refused() -> None:
    async with simulator(halted("binance")) as exchange:
        status, answer = await post(exchange, "/plant", {"symbol": "X", "condition": "sweep"})
        assert status == 400 and answer["error"].startswith("unknown symbol 'X'")


@limited_time
async def test_the_reference_book_is_returned() -> None:
    async with simulator(halted("kraken")) as exchange:
        exchange.step()
        status, body = await get(exchange, "/truth", symbol="BTC/USD", depth="3")
        reference = exchange.reference_book("BTC/USD", 3)
        assert (status, body["bids"], body["update_id"]) == (
            200,
            [list(x) for x in reference.bids],
            reference.update_id,
        )


@limited_time
async def test_the_market_is_halted_and_resumed() -> None:
    async with simulator(Config("binance", rate=200)) as exchange:
        await post(exchange, "/market", {"running": False})
        halted_at = exchange.reference_book("BTCUSDT", 1).update_id
        await get(exchange, "/")
        assert exchange.reference_book("BTCUSDT", 1).update_id == halted_at
        await post(exchange, "/market", {"running": True})
        while exchange.reference_book("BTCUSDT", 1).update_id == halted_at:
            await get(exchange, "/")


@limited_time
async def test_the_configuration_is_returned() -> None:
    async with simulator(halted("deribit", seed=4)) as exchange:
        _, body = await get(exchange, "/")
        assert (body["venue"], body["symbols"], body["seed"]) == ("deribit", ["BTC-PERPETUAL"], 4)
        assert body["ws_url"] == exchange.ws_url


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"fault": "nosuch"}, "Invalid value 'nosuch'"),
        ({"fault": "gap", "count": 0}, "Expected `int` >= 1"),
        ({"fault": "freeze"}, "missing required field `seconds`"),
        ({"fault": "drop", "why": "x"}, "unknown field `why`"),
        ({"fault": "gap", "symbol": "DOGE"}, "unknown symbol 'DOGE'; expected one of BTCUSDT"),
    ],
)
@limited_time
async def test_an_invalid_fault_gets_an_error_with_the_reason(body: dict[str, Any], error: str) -> None:
    async with simulator(halted("binance")) as exchange:
        status, reply = await post(exchange, "/faults", body)
        assert status == 400 and error in reply["error"]


@limited_time
async def test_the_error_names_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot listen on port {port} of 127.0.0.1: .*. Choose another port"):
            async with simulator(Config("kraken", port=port)):
                pass


def test_an_unknown_venue_is_a_usage_error() -> None:
    result = CliRunner().invoke(app, ["nosuch"])
    assert result.exit_code == 2
    assert "expected one of binance" in result.stderr


def test_an_invalid_shape_is_an_error_of_one_line() -> None:
    result = CliRunner().invoke(app, ["binance", "--levels", "3"])
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith("expected levels >= 20")


@pytest.mark.parametrize("fault", get_args(Fault))
def test_every_fault_is_documented(fault: Any) -> None:
    described = (ROOT / "docs" / "simulators.md").read_text()
    assert f"`{fault.__struct_config__.tag}`" in described
    for field in set(fault.__struct_fields__) - {"connection"}:
        assert f"`{field}`" in described


def test_the_same_seed_gives_the_same_book() -> None:
    books = [Simulator(Config("binance", seed=3, running=False)) for _ in range(2)]
    for book in books:
        book.step(10)
    assert books[0].reference_book("BTCUSDT")[3:] == books[1].reference_book("BTCUSDT")[3:]
