"""Rooms of a running gateway: what a new member gets, and who is a member."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from tests.gateway.conftest import Served
from tests.gateway.feeder import BOOK, PRODUCT, VENUE, Feeder, alert
from tests.gateway.listening import bare, eventually, in_thread, listening, run
from tests.gateway.test_sockets import now_ms

CHAIN = f"{VENUE}:{PRODUCT}"
NEWEST = [
    ("book", BOOK, BOOK, ["book_update"]),
    ("record", BOOK, BOOK, ["book_record"]),
    ("product", PRODUCT, CHAIN, ["underlying_update", "chain_summary"]),
    ("chain", PRODUCT, CHAIN, ["chain_summary", "chain_update"]),
]


@pytest.mark.parametrize(("kind", "symbol", "key", "events"), NEWEST)
def test_a_new_member_gets_the_trust_of_now(
    gateway: Served, feeder: Feeder, kind: str, symbol: str, key: str, events: list[str]
) -> None:
    """The room has a member, so its newest values are known, with the trust that they had when they were published."""
    token = gateway.login()["token"]

    async def change(state: str, reason: str, first: Any) -> None:
        time_ms = now_ms()
        await in_thread(feeder.state, state, time_ms, reason, key)
        await first.until("status", lambda each: each.get("event_time") == time_ms)

    async def follow() -> None:
        async with listening(gateway, token) as first:
            await first.subscribe(kind, symbol)
            await change("synced", "snapshot", first)
            time_ms = now_ms()
            await in_thread(feeder.book, time_ms, time_ms)
            await in_thread(feeder.chain, time_ms)
            for event in events:
                await first.until(event, of_time(time_ms))
            await change("gap", "sequence", first)
            async with listening(gateway, token) as second:
                await second.subscribe(kind, symbol)
                for event in events:
                    newest = await second.until(event)
                    assert (newest["trusted"], newest["state"], newest["reason"]) == (False, "gap", "sequence")
            await change("synced", "snapshot", first)

    run(follow())


def of_time(time_ms: int) -> Callable[[Any], bool]:
    """True for a payload with this time."""
    return lambda payload: time_ms in (payload.get("timestamp"), payload.get("event_time"))


def test_a_client_that_subscribes_and_unsubscribes_at_once_is_no_member(gateway: Served, redis: Redis) -> None:
    token, symbol = gateway.login()["token"], "ONCE/USD"
    channel, room = f"orderbook:kraken:{symbol}", {"type": "book", "symbol": f"kraken:{symbol}"}

    async def follow() -> None:
        async with bare(gateway, token, "trades", f"kraken:{symbol}") as websocket:
            for verb in ("subscribe", "unsubscribe"):
                await websocket.send("42" + json.dumps([verb, room]))
            names = []
            while "unsubscribed" not in names:
                message = str(await websocket.recv())
                if message.startswith("42"):
                    names.append(json.loads(message[2:])[0])
            assert [name for name in names if name.endswith("subscribed")] == ["subscribed", "unsubscribed"]
            await eventually(lambda: dict(redis.pubsub_numsub(channel))[channel.encode()] == 0 or None)

    run(follow())


def test_the_room_of_alerts_gives_the_newest_twenty_in_their_order(gateway: Served, feeder: Feeder) -> None:
    token, time_ms = gateway.login()["token"], now_ms()

    async def follow() -> None:
        async with listening(gateway, token) as first:
            await first.subscribe("alerts")
            for later in range(25):
                await in_thread(feeder.alert, time_ms + later)
            await first.until("alert", lambda each: each["event_time"] == time_ms + 24)
            async with listening(gateway, token) as second:
                await second.subscribe("alerts")
                await second.until("alert", lambda each: each["event_time"] == time_ms + 24)
                times = [each["event_time"] - time_ms for each in second.of("alert")]
                assert times == list(range(5, 25))

    run(follow())


def test_the_alerts_of_a_quiet_book_are_found_behind_those_of_a_busy_one(gateway: Served, feeder: Feeder) -> None:
    token, time_ms, quiet = gateway.login()["token"], now_ms(), "QUIET/USD"

    async def follow() -> None:
        line = msgspec.json.encode(replace(alert(time_ms), symbol=quiet))
        await in_thread(feeder.process, "orderbook.alerts", f"{VENUE}:{quiet}", line)
        for later in range(1, 26):
            await in_thread(feeder.alert, time_ms + later)
        async with listening(gateway, token) as client:
            await client.subscribe("alerts", f"{VENUE}:{quiet}")
            found = await client.until("alert")
            assert (found["symbol"], found["event_time"]) == (quiet, time_ms)

    run(follow())


def test_a_client_that_asks_too_often_is_refused(gateway: Served) -> None:
    token = gateway.login()["token"]

    async def follow() -> None:
        async with bare(gateway, token, "alerts", "") as websocket:
            details = []
            for _ in range(1000):  # the first request subscribed
                await websocket.send('42["subscribe",{"type":"none"}]')
                while not (message := str(await websocket.recv())).startswith('42["error"'):
                    pass
                details.append(json.loads(message[2:])[1]["detail"])
            assert details[-1] == "at most 1000 requests in 60 s are allowed"
            assert {each[:14] for each in details[:-1]} == {"type: expected"}

    run(follow())
