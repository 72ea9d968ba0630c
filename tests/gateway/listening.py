"""Clients for the sockets' tests: python-socketio's, and bare websockets that read only on command."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import socketio
from websockets.asyncio.client import ClientConnection, connect

from tests.gateway.conftest import Served

PATIENCE_S = 20


class Listener:
    """A client of python-socketio that keeps all events."""

    def __init__(self, **options: Any) -> None:
        self.client = socketio.AsyncClient(reconnection_delay=0.1, reconnection_delay_max=0.5, **options)
        self.events: list[tuple[str, Any]] = []
        self.client.on("*", self._keep)

    async def connect(self, served: Served, token: str | None) -> None:
        auth = {"token": token} if token else None
        await self.client.connect(served.socket_url, auth=auth, transports=["websocket"])

    async def subscribe(self, kind: str, symbol: str = "") -> Any:
        return await self.client.call("subscribe", {"type": kind, "symbol": symbol})

    def of(self, event: str) -> list[Any]:
        """Payloads of one event."""
        return [payload for name, payload in self.events if name == event]

    async def until(self, event: str, wanted: Callable[[Any], object] = bool) -> Any:
        """The first payload of an event, received or to come, that is wanted."""

        def found() -> Any:
            return next((each for each in self.of(event) if wanted(each)), None)

        return await eventually(found, lambda: f"{event} is not in {self.events[-5:]}")

    async def _keep(self, event: str, payload: Any = None) -> None:
        self.events.append((event, payload))


async def eventually(found: Callable[[], Any], failure: Callable[[], str] = lambda: "not yet") -> Any:
    """The first result that is not None. Fails after PATIENCE_S."""
    until = time.monotonic() + PATIENCE_S
    while (result := found()) is None:
        assert time.monotonic() < until, failure()
        await asyncio.sleep(0.02)
    return result


@asynccontextmanager
async def listening(served: Served, token: str | None, **options: Any) -> AsyncIterator[Listener]:
    """A connected client."""
    listener = Listener(**options)
    await listener.connect(served, token)
    try:
        yield listener
    finally:
        await listener.client.disconnect()


@asynccontextmanager
async def bare(served: Served, token: str, kind: str, symbol: str) -> AsyncIterator[ClientConnection]:
    """A websocket that is subscribed to a room and reads nothing of itself."""
    url = served.socket_url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    async with connect(url, max_queue=1, compression=None, close_timeout=0.1, ping_interval=None) as websocket:
        assert str(await websocket.recv()).startswith("0{")
        await websocket.send("40" + json.dumps({"token": token}))
        await websocket.send("42" + json.dumps(["subscribe", {"type": kind, "symbol": symbol}]))
        while not str(message := await websocket.recv()).startswith('42["subscribed"'):
            assert not str(message).startswith("44"), message
        try:
            yield websocket
        finally:
            websocket.transport.abort()  # a closing handshake would wait for messages that are not read


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run blocking work beside the clients."""
    return await asyncio.to_thread(work, *arguments)


def run(work: Awaitable[Any]) -> Any:
    """Run a test's coroutine."""

    async def awaited() -> Any:
        return await work

    return asyncio.run(awaited())
