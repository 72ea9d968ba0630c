"""REST snapshots against a server that counts, refuses and answers badly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp
import msgspec
import pytest
from aiohttp import web

from ingestion.forwarder import snapshots
from ingestion.forwarder.dialects import DIALECTS, RestDepth
from ingestion.forwarder.snapshots import SnapshotDesk
from tests.ingestion.forwarder.harness import eventually, soon

DEPTH = RestDepth("/depth", "/info", {100: 5, 1000: 50}, 6_000)
BODY = b'{"lastUpdateId":1,"bids":[],"asks":[]}'
Answer = Callable[[int], web.Response]  # by the number of the request


def good(number: int) -> web.Response:
    return web.Response(body=BODY)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "RETRY_S", 0.01)


class Served:
    """A desk at work: what it asked for, and what it delivered."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, float]] = []
        self.delivered: list[tuple[str, bytes]] = []
        self.desk: SnapshotDesk


@asynccontextmanager
async def serving(answer: Answer = good, info: bytes = b"", depth: RestDepth = DEPTH) -> AsyncIterator[Served]:
    served = Served()

    async def on_depth(request: web.Request) -> web.Response:
        served.asked.append((request.query["symbol"], request.query["limit"], monotonic()))
        return answer(len(served.asked))

    async def on_info(request: web.Request) -> web.Response:
        return web.Response(body=info, status=200 if info else 503)

    app = web.Application()
    app.add_routes([web.get("/depth", on_depth), web.get("/info", on_info)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as client:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        served.desk = SnapshotDesk(
            client, url, depth, 1000, lambda symbol, body, recv_us: served.delivered.append((symbol, body))
        )
        task = asyncio.create_task(served.desk.run())
        try:
            yield served
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()


@soon
async def test_a_symbol_is_fetched_once_however_often_it_is_asked_for() -> None:
    async with serving() as served:
        assert [served.desk.request("BTCUSDT") for _ in range(3)] == [True, False, False]
        await eventually(lambda: not served.desk.open)
        assert served.delivered == [("BTCUSDT", BODY)]
        assert [each[:2] for each in served.asked] == [("BTCUSDT", "1000")]
        assert served.desk.request("BTCUSDT")


@pytest.mark.parametrize("status", [429, 418])
@soon
async def test_nothing_is_asked_before_the_time_that_a_refusal_names(status: int) -> None:
    def refuse_first(number: int) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "1"}) if number == 1 else good(number)

    async with serving(refuse_first) as served:
        served.desk.request("BTCUSDT")
        await eventually(lambda: len(served.asked) == 1)
        served.desk.request("ETHUSDT")
        await eventually(lambda: len(served.delivered) == 2)
        times = [at for _, _, at in served.asked]
        assert times[1] - times[0] >= 0.95


@pytest.mark.parametrize(
    "bad", [web.Response, lambda: web.Response(status=500), lambda: web.Response(body=b'{"lastUpdateId":1,"bids":[')]
)
@soon
async def test_a_bad_answer_is_asked_again_and_never_delivered(bad: Callable[[], web.Response]) -> None:
    async with serving(lambda number: bad() if number < 3 else good(number)) as served:
        served.desk.request("BTCUSDT")
        await eventually(lambda: bool(served.delivered))
        assert served.delivered == [("BTCUSDT", BODY)] and served.desk.failed["BTCUSDT"] == 2


@soon
async def test_after_some_attempts_the_job_is_left_to_ask_again() -> None:
    async with serving(lambda number: web.Response(status=500)) as served:
        served.desk.request("BTCUSDT")
        await eventually(lambda: not served.desk.open)
        assert len(served.asked) == snapshots.ATTEMPTS


@pytest.mark.parametrize(("told", "documented"), [(None, 12_000), (12_000, 600)], ids=["documented", "told"])
@soon
async def test_no_more_goes_out_than_the_budget_of_weight(told: int | None, documented: int) -> None:
    """12,000 a minute: a burst of 3,600, then 100 a second; a snapshot weighs 50. With 600 it would take minutes."""
    rate = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": told}
    info = msgspec.json.encode({"symbols": [{"symbol": "BTCUSDT"}], "rateLimits": [rate] if told else []})
    async with serving(info=info, depth=RestDepth("/depth", "/info", {1000: 50}, documented)) as served:
        found = await served.desk.exchange_info()
        assert found is not None and [each.symbol for each in found.symbols] == ["BTCUSDT"]
        for number in range(74):
            served.desk.request(f"S{number}")
        await eventually(lambda: len(served.delivered) == 74)
        assert served.asked[-1][2] - served.asked[0][2] > 0.9


@soon
async def test_a_venue_that_does_not_tell_of_itself_is_served_by_what_is_documented() -> None:
    async with serving() as served:
        assert await served.desk.exchange_info() is None
        served.desk.request("BTCUSDT")
        await eventually(lambda: bool(served.delivered))


def test_a_snapshot_weighs_what_the_venue_documents() -> None:
    spot = DIALECTS["binance"].depth
    assert spot is not None
    assert [spot.weight(levels) for levels in (50, 100, 101, 1000, 5000)] == [5, 5, 25, 50, 250]
