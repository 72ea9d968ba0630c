"""Websocket clients that follow books, and the delay of what they receive."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import msgspec
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from market.orderbook.cache_messages import BookMessage

LEVELS = msgspec.Raw(msgspec.json.encode([[60_000.0 + level, 0.25] for level in range(20)]))
STAMP = '"timestamp":'
OPEN_AT_ONCE = 50


@dataclass(frozen=True)
class Measured:
    """One run: messages that were due and received for each second of it, and the 99th percentile of the delay."""

    wanted_per_s: float
    received_per_s: float
    p99_ms: float


@dataclass
class Audience:
    """Clients, each in the room of one book. Delays are those from before the publication to the receipt."""

    redis: Redis
    books: list[str]  # symbols of the venue `bench`
    clients: int = 0
    delays_ms: list[float] = field(default_factory=list)

    async def run(self, per_s: int, seconds: float) -> Measured:
        """Publish books so that all clients together are due `per_s` messages a second."""
        rounds_per_s = per_s / self.clients
        self.delays_ms.clear()
        began = time.monotonic()
        number = 0
        while (now := time.monotonic()) < began + seconds:
            if now < (due := began + number / rounds_per_s):
                await asyncio.sleep(due - now)
            async with self.redis.pipeline(transaction=False) as pipeline:
                for symbol in self.books:
                    message = BookMessage(symbol, LEVELS, LEVELS, number, time.time_ns() // 1000)
                    pipeline.publish(f"orderbook:bench:{symbol}", msgspec.json.encode(message))
                await pipeline.execute()
            number += 1
        taken_s = time.monotonic() - began
        await asyncio.sleep(1)
        p99_ms = quantiles(self.delays_ms, n=100)[98] if len(self.delays_ms) > 1 else float("inf")
        return Measured(number * self.clients / taken_s, len(self.delays_ms) / taken_s, p99_ms)

    def receive(self, text: str) -> None:
        """Note the delay of a message of a book."""
        place = text.rfind(STAMP)
        if place >= 0:
            stamp = text[place + len(STAMP) :].rstrip("}]")
            self.delays_ms.append(time.time_ns() / 1e6 - int(stamp) / 1000)


@asynccontextmanager
async def audience(
    url: str, redis: Redis, clients: int, books: list[str], token: str | None
) -> AsyncIterator[Audience]:
    """Clients of a gateway (with a token) or of the bare loop (without), spread over the books."""
    found = Audience(redis, books)
    opened: list[ClientConnection] = []
    slots = asyncio.Semaphore(OPEN_AT_ONCE)

    async def open_client(symbol: str) -> None:
        async with slots:
            client = await connect(url, compression=None, ping_interval=None, open_timeout=60)
            await (_subscribe_bare(client, symbol) if token is None else _subscribe(client, symbol, token))
        opened.append(client)

    await asyncio.gather(*(open_client(books[number % len(books)]) for number in range(clients)))
    found.clients = len(opened)
    readers = [asyncio.create_task(_read(client, found)) for client in opened]
    try:
        yield found
    finally:
        for client in opened:
            client.transport.abort()
        await asyncio.gather(*readers, return_exceptions=True)


async def _read(client: ClientConnection, found: Audience) -> None:
    try:
        async for text in client:
            if text == "2":
                await client.send("3")  # the protocol's ping
            else:
                found.receive(str(text))
    except ConnectionClosed:
        return


async def _subscribe_bare(client: ClientConnection, symbol: str) -> None:
    await client.send(f"orderbook:bench:{symbol}")
    await client.recv()


async def _subscribe(client: ClientConnection, symbol: str, token: str) -> None:
    await client.recv()
    await client.send("40" + json.dumps({"token": token}))
    await client.send("42" + json.dumps(["subscribe", {"type": "book", "symbol": f"bench:{symbol}"}]))
    while not str(await client.recv()).startswith('42["subscribed"'):
        pass
