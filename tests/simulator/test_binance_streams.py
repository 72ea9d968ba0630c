"""Binance's slower and smaller streams are the same market."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect

from simulator import Simulator, simulator
from simulator.venues.binance.streams import SlowerDiff, raw_trades
from tests.simulator.clients import halted, limited_time, listening

NOON_US = 1_767_268_800_000_000
AGGREGATE = {
    "e": "aggTrade",
    "E": 2,
    "s": "A",
    "a": 1,
    "p": "9.0",
    "q": "3.00000001",
    "f": 7,
    "l": 8,
    "T": 1,
    "m": True,
}


def event(first: int, last: int, previous: int, **sides: list[list[str]]) -> dict[str, Any]:
    return {"e": "depthUpdate", "E": last, "U": first, "u": last, "pu": previous, "b": [], "a": []} | sides


async def frames(exchange: Simulator, path: str, count: int, steps: int) -> list[dict[str, Any]]:
    async with connect(exchange.ws_url + path) as socket:
        exchange.step(steps)
        return [msgspec.json.decode(await socket.recv()) for _ in range(count)]


def test_a_slower_event_merges_the_faster_ones_with_the_newest_sizes() -> None:
    slower = SlowerDiff(1_000_000)
    assert slower.add(event(5, 6, 4, b=[["1", "2"], ["3", "4"]]), NOON_US) is None
    merged = slower.add(event(8, 9, 6, b=[["1", "0"]], a=[["7", "1"]]), NOON_US + 1_000_000)
    assert merged == event(5, 9, 4, b=[["1", "0"], ["3", "4"]], a=[["7", "1"]])


def test_a_slower_stream_drops_events_from_before_its_first_subscriber() -> None:
    slower = SlowerDiff(0)
    slower.reset()
    assert slower.add(event(8, 9, 6), NOON_US) == event(8, 9, 6)


def test_raw_trades_add_up_to_their_aggregate() -> None:
    trades = list(raw_trades(AGGREGATE | {"M": True}))
    assert [trade["t"] for trade in trades] == [7, 8]
    assert sum(Decimal(trade["q"]) for trade in trades) == Decimal("3.00000001")
    assert {(trade["e"], trade["p"], trade["m"]) for trade in trades} == {("trade", "9.0", True)}


@limited_time
async def test_spot_has_raw_trades() -> None:
    async with simulator(halted("binance")) as exchange:
        (trade,) = await frames(exchange, "/ws/btcusdt@trade", 1, 50)
        assert trade.keys() == {"e", "E", "s", "t", "p", "q", "T", "m", "M"}


@pytest.mark.parametrize("levels", [5, 10, 20])
@limited_time
async def test_a_small_book_is_complete_and_names_no_symbol(levels: int) -> None:
    async with simulator(halted("binance")) as exchange:
        (book,) = await frames(exchange, f"/ws/btcusdt@depth{levels}@100ms", 1, 1)
        reference = exchange.reference_book("BTCUSDT", levels)
        assert book.keys() == {"lastUpdateId", "bids", "asks"}
        assert book["lastUpdateId"] == reference.update_id
        assert [(float(price), float(size)) for price, size in book["bids"]] == reference.bids


@limited_time
async def test_slower_events_chain_like_the_fast_ones() -> None:
    async with simulator(halted("binance_usdm")) as exchange:
        path = "/public/stream?streams=btcusdt@depth@0ms/btcusdt@depth@100ms"
        both = await frames(exchange, path, 6, 3)
        fast, slow = ([each["data"] for each in both if each["stream"].endswith(tail)] for tail in ("@100ms", "@0ms"))
        assert fast == slow


@limited_time
async def test_a_stream_without_subscribers_sends_nothing() -> None:
    async with simulator(halted("binance")) as exchange, listening(exchange) as client:
        await client.subscribe()
        exchange.step(5)
        await client.receive_all()
        (connection,) = exchange.connections.values()
        assert dict(connection.sent) == {("BTCUSDT", "book"): 5}
