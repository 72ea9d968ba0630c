"""REST snapshots from a server that counts requests, refuses them and sends bad responses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic

import aiohttp
import msgspec
import pytest
from aiohttp import web

from ingestion.forwarder import snapshots
from ingestion.forwarder.snapshots import SnapshotFetcher
from tests.ingestion.forwarder.harness import eventually, within_a_minute
from venues.binance.constants import USED_WEIGHT_HEADER
from venues.binance.protocol import parse_exchange_info
from venues.protocol import RestSnapshots
from venues.registry import VENUES

DEPTH = RestSnapshots("/depth", "/info", {100: 5, 1000: 50}, 6_000, parse_exchange_info, USED_WEIGHT_HEADER)
BODY = b'{"lastUpdateId":1,"bids":[],"asks":[]}'
Respond = Callable[[int], web.Response]  # the number of the request


def good(number: int) -> web.Response:
    return web.Response(body=BODY)


@pytest.fixture(autouse=True)
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "RETRY_S", 0.01)


class Served:
    """A running fetcher, its requests (symbol, limit, time) and the snapshots it fetched."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, float]] = []
        self.fetched: list[tuple[str, bytes]] = []
        self.client: aiohttp.ClientSession
        self.fetcher: SnapshotFetcher


@asynccontextmanager
async def serving(respond: Respond = good, info: bytes = b"", depth: RestSnapshots = DEPTH) -> AsyncIterator[Served]:
    served = Served()

    async def handle_depth(request: web.Request) -> web.Response:
        served.requests.append((request.query["symbol"], request.query["limit"], monotonic()))
        return respond(len(served.requests))

    async def handle_info(request: web.Request) -> web.Response:
        return web.Response(body=info, status=200 if info else 503)

    app = web.Application()
    app.add_routes([web.get("/depth", handle_depth), web.get("/info", handle_info)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        served.client, served.fetcher = client, SnapshotFetcher(url, depth, 1000)
        task = asyncio.create_task(
            served.fetcher.run(client, lambda symbol, body, recv_us: served.fetched.append((symbol, body)))
        )
        try:
            yield served
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()


@within_a_minute
async def test_a_symbol_is_fetched_once_however_often_it_is_requested() -> None:
    async with serving() as served:
        assert [served.fetcher.request("BTCUSDT") for _ in range(3)] == [True, False, False]
        await eventually(lambda: not served.fetcher.pending)
        assert served.fetched == [("BTCUSDT", BODY)]
        assert [each[:2] for each in served.requests] == [("BTCUSDT", "1000")]
        assert served.fetcher.request("BTCUSDT")


@pytest.mark.parametrize("status", [429, 418])
@within_a_minute
async def test_nothing_is_requested_before_the_time_named_by_a_refusal(status: int) -> None:
    def refuse_first(number: int) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "1"}) if number == 1 else good(number)

    async with serving(refuse_first) as served:
        served.fetcher.request("BTCUSDT")
        await eventually(lambda: len(served.requests) == 1)
        served.fetcher.request("ETHUSDT")
        await eventually(lambda: len(served.fetched) == 2)
        times = [at for _, _, at in served.requests]
        assert times[1] - times[0] >= 0.95


@pytest.mark.parametrize(
    "bad", [web.Response, lambda: web.Response(status=500), lambda: web.Response(body=b'{"lastUpdateId":1,"bids":[')]
)
@within_a_minute
async def test_a_bad_response_is_retried_and_never_forwarded(bad: Callable[[], web.Response]) -> None:
    async with serving(lambda number: bad() if number < 3 else good(number)) as served:
        served.fetcher.request("BTCUSDT")
        await eventually(lambda: bool(served.fetched))
        assert served.fetched == [("BTCUSDT", BODY)] and served.fetcher.failed["BTCUSDT"] == 2


@within_a_minute
async def test_a_snapshot_is_abandoned_after_some_attempts() -> None:
    async with serving(lambda number: web.Response(status=500)) as served:
        served.fetcher.request("BTCUSDT")
        await eventually(lambda: not served.fetcher.pending)
        assert len(served.requests) == snapshots.ATTEMPTS


@pytest.mark.parametrize(("stated", "documented"), [(None, 12_000), (12_000, 600)], ids=["documented", "stated"])
@within_a_minute
async def test_requests_stay_within_the_weight_budget(stated: int | None, documented: int) -> None:
    """Budget 12,000 per minute: a burst of 3,600, then 100 a second; a snapshot weighs 50. 600 would take minutes."""
    rate = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": stated}
    info = msgspec.json.encode({"symbols": [{"symbol": "BTCUSDT"}], "rateLimits": [rate] if stated else []})
    async with serving(info=info, depth=replace(DEPTH, weights={1000: 50}, weight_per_minute=documented)) as served:
        found = await served.fetcher.exchange_info(served.client)
        assert found is not None and found.symbols == {"BTCUSDT"}
        for number in range(74):
            served.fetcher.request(f"S{number}")
        await eventually(lambda: len(served.fetched) == 74)
        assert served.requests[-1][2] - served.requests[0][2] > 0.9


@within_a_minute
async def test_the_documented_budget_applies_without_exchange_info() -> None:
    async with serving() as served:
        assert await served.fetcher.exchange_info(served.client) is None
        served.fetcher.request("BTCUSDT")
        await eventually(lambda: bool(served.fetched))


def test_snapshot_weights_are_those_that_the_venue_documents() -> None:
    spot = VENUES["binance"].protocol.snapshots
    assert spot is not None
    assert [spot.weight(levels) for levels in (50, 100, 101, 1000, 5000)] == [5, 5, 25, 50, 250]
