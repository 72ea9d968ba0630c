"""The subscription to Redis' channels, with a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from gateway.sockets.feed import Feed
from tests.conftest import free_ports
from tests.gateway.listening import eventually, run
from tests.valkey import running_valkey


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    folder: Path = tmp_path_factory.mktemp("valkey")
    with running_valkey(free_ports(1)[0], folder) as client:
        yield client


@asynccontextmanager
async def following(valkey: Redis) -> AsyncIterator[tuple[Feed, list[bytes]]]:
    """A connected feed, and the data that it has received."""
    received: list[bytes] = []

    async def ignore(connected: bool) -> None:
        """No handler is called."""

    async with AsyncRedis(port=valkey.connection_pool.connection_kwargs["port"]) as client:
        feed = Feed(client, ignore)

        async def follow() -> None:
            async for _, data in feed.messages():
                received.append(data)

        task = asyncio.create_task(follow())
        await eventually(lambda: feed.connected or None)
        yield feed, received
        task.cancel()


def test_a_message_published_after_the_confirmation_is_received(valkey: Redis) -> None:
    async def publish_at_once() -> list[bytes]:
        async with following(valkey) as (feed, received):
            for number in range(300):
                channels = [f"trades:{number}", f"status:{number}:*"]
                await feed.want(channels)
                await feed.confirmed(channels)
                assert valkey.publish(f"trades:{number}", number) == 1
                assert valkey.publish(f"status:{number}:x", number) == 1
            await eventually(lambda: len(received) == 600 or None)
            return received

    assert run(publish_at_once()) == [b"%d" % number for number in range(300) for _ in range(2)]


def test_a_lost_connection_and_an_ended_wish_keep_nobody_waiting(valkey: Redis) -> None:
    async def lose() -> None:
        async with following(valkey) as (feed, _):
            valkey.execute_command("CLIENT", "PAUSE", "9000", "ALL")
            await feed.want(["lost", "ended"])
            waiting = [asyncio.create_task(feed.confirmed([each])) for each in ("lost", "ended")]
            await feed.release(["ended"])
            await asyncio.wait_for(waiting[1], 5)
            assert not waiting[0].done()
            await asyncio.wait_for(waiting[0], 20)  # the PING has no reply either

    run(lose())
