"""A simulated exchange that is one file: found by the registry, served over a real socket."""

from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect

from simulator import Config, FaultError, Gap, Refuse, Simulator, WrongChecksum, simulator
from simulator.generator.market import MarketShape
from simulator.registry import SIMULATORS, choose
from tests.simulator.clients import limited_time
from tests.venues.example_simulator import VENUES

(EXAMPLE,) = VENUES
CONFIG = Config("example", shape=MarketShape(60, 12), running=False)
BOOK = "book:BTC-USD"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIMULATORS, "example", EXAMPLE)


async def receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = msgspec.json.decode(await socket.recv())
    return message


async def subscribe(socket: ClientConnection, stream: str) -> dict[str, Any]:
    await socket.send(msgspec.json.encode({"op": "subscribe", "id": 1, "streams": [stream]}), text=True)
    return await receive(socket)


def apply(book: dict[str, dict[float, float]], frame: dict[str, Any]) -> None:
    for side in ("bids", "asks"):
        book[side] |= dict(frame[side])


def levels(book: dict[str, dict[float, float]]) -> tuple[list[tuple[float, float]], ...]:
    bids, asks = ([(price, size) for price, size in sorted(book[side].items()) if size] for side in ("bids", "asks"))
    return bids[::-1], asks


@limited_time
async def test_updates_follow_the_snapshot_and_rebuild_the_reference_book() -> None:
    async with simulator(CONFIG) as exchange, connect(f"{exchange.ws_url}/stream") as socket:
        assert await subscribe(socket, BOOK) == {"op": "subscribed", "id": 1}
        snapshot = await receive(socket)
        book: dict[str, dict[float, float]] = {"bids": {}, "asks": {}}
        apply(book, snapshot)
        exchange.step(20)
        updates = [await receive(socket) for _ in range(20)]
        for update in updates:
            apply(book, update)
        assert [update["seq"] - snapshot["seq"] for update in updates] == list(range(1, 21))
        reference = exchange.reference_book("BTC-USD")
        assert (levels(book), updates[-1]["seq"]) == ((reference.bids, reference.asks), reference.update_id)


@limited_time
async def test_a_gap_is_missing_from_the_sequence() -> None:
    async with simulator(CONFIG) as exchange, connect(f"{exchange.ws_url}/stream") as socket:
        await subscribe(socket, BOOK)
        snapshot = await receive(socket)
        exchange.inject(Gap())
        exchange.step(2)
        assert (await receive(socket))["seq"] == snapshot["seq"] + 2


@limited_time
async def test_an_unknown_stream_is_an_error() -> None:
    async with simulator(Config("example")) as exchange, connect(f"{exchange.ws_url}/stream") as socket:
        assert (await subscribe(socket, "book:DOGE"))["op"] == "error"


def test_faults_that_the_exchange_does_not_support_are_refused() -> None:
    exchange = Simulator(Config("example", running=False))
    with pytest.raises(FaultError, match="example has no checksum to detect the fault; expected one of kraken"):
        exchange.inject(WrongChecksum())
    with pytest.raises(FaultError, match="example has no REST to refuse"):
        exchange.inject(Refuse(seconds=1, snapshots=True))


def test_its_symbols_can_be_chosen() -> None:
    assert [each.symbol for each in choose({"example"}, set())] == ["BTC-USD", "ETH-USD"]
    assert choose({"example"}, {"CCC-USD"})[0].opening == 25.0
