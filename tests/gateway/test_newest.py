"""Newest frames of option chains, by the clock of the gateway."""

import asyncio
import json
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.database import Database
from gateway.market_data import MarketData
from gateway.sockets.newest import NewestFrames
from gateway.sockets.rooms import RoomName
from stack.services.credentials import GATEWAY_READER
from tests.gateway.conftest import Backend
from tests.gateway.feeder import PRODUCT, Feeder

STALE_AFTER_MS = 30_000


def read(backend: Backend, name: RoomName, now_ms: int) -> list[list[Any]]:
    """Events and payloads of a room's newest frames at this time."""

    async def frames() -> list[bytes]:
        database, redis = Database(backend.dsn(GATEWAY_READER), 1, read_only=True), Redis.from_url(backend.redis_url)
        await database.open()
        try:
            market = MarketData(redis, database, STALE_AFTER_MS, lambda: now_ms / 1000)
            return [frame for _, frame in await NewestFrames(market, redis, {}).of(name)]
        finally:
            await database.close()
            await redis.aclose()

    return [json.loads(frame[frame.index(b"[") :]) for frame in asyncio.run(frames())]


@pytest.mark.parametrize("kind", ["product", "chain"])
@pytest.mark.parametrize(("age_ms", "trust"), [(1_000, (True, "snapshot")), (60_000, (False, "no update for 60 s"))])
def test_a_chain_that_no_longer_comes_is_not_trusted(
    backend: Backend, feeder: Feeder, kind: Any, age_ms: int, trust: tuple[bool, str]
) -> None:
    """Its state is still that of the last change."""
    now_ms = int(time.time() * 1000)
    feeder.state("synced", now_ms, key=f"kraken:{PRODUCT}")
    feeder.chain(now_ms)
    found = read(backend, RoomName(kind, PRODUCT), now_ms + age_ms)
    assert {event for event, _ in found} >= {"chain_summary"}
    assert {(payload["trusted"], payload["reason"]) for _, payload in found} == {trust}
