"""Background tasks of the gateway: none of them ends unnoticed."""

import asyncio
from typing import Any

import pytest

from gateway.server import serve_all
from ingestion.background import Background, BackgroundError


class FakeServer:
    """A server without a socket."""

    def __init__(self) -> None:
        self._exit = asyncio.Event()
        self.ended = False

    def __setattr__(self, name: str, value: object) -> None:
        if name == "should_exit":
            self._exit.set()
        else:
            super().__setattr__(name, value)

    async def serve(self, listeners: list[Any]) -> None:
        await self._exit.wait()
        self.ended = True


def test_a_background_task_that_fails_ends_the_servers_and_is_the_reason() -> None:
    async def serve() -> None:
        background, servers = Background(), [FakeServer(), FakeServer()]
        background.run("distributor of messages", fail())
        with pytest.raises(BackgroundError, match="distributor of messages failed: TypeError: unusable message"):
            await serve_all(servers, [None, None], background)  # type: ignore[arg-type, list-item]
        assert all(server.ended for server in servers)

    async def fail() -> None:
        raise TypeError("unusable message")

    asyncio.run(asyncio.wait_for(serve(), 10))


def test_servers_that_are_asked_to_end_end_without_a_failure() -> None:
    async def serve() -> None:
        servers = [FakeServer()]
        asyncio.get_running_loop().call_soon(setattr, servers[0], "should_exit", True)
        await serve_all(servers, [None], Background())  # type: ignore[arg-type, list-item]
        assert servers[0].ended

    asyncio.run(asyncio.wait_for(serve(), 10))
