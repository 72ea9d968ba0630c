"""A client of the simulated exchanges: all that a forwarder must know of a venue, in a page. Used by tests alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from itertools import count
from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from ingestion.generator.market import Shape
from ingestion.labels import labeller
from ingestion.simulator import Config, Limits, Simulator
from ingestion.stamping import Stamper
from market.keeper import Keeper, KeeperConfig
from market.records import Resync, Status, TopOfBook

SYMBOLS = {"binance": "BTCUSDT", "binance_usdm": "BTCUSDT", "kraken": "BTC/USD", "deribit": "BTC-PERPETUAL"}
PATHS = {"binance": "/stream", "binance_usdm": "/public/stream", "kraken": "/v2", "deribit": "/ws/api/v2"}
DEPTH_PATHS = {"binance": "/api/v3/depth", "binance_usdm": "/fapi/v1/depth"}
KRAKEN_DEPTH = 25
PATIENCE_S = 10.0


def halted(venue: str, **changes: Any) -> Config:
    """A market that moves when it is told to, with no limits unless given."""
    limits = changes.pop("limits", Limits())
    return Config(venue, (SYMBOLS[venue],), shape=Shape(60, 12), limits=limits, running=False, **changes)


def soon(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test, for so long at most."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), PATIENCE_S))

    return run


def market_request(venue: str, symbol: str, method: str, number: int) -> dict[str, Any]:
    """The message that subscribes or unsubscribes one symbol's book."""
    if venue == "kraken":
        params = {"channel": "book", "symbol": [symbol], "depth": KRAKEN_DEPTH}
        return {"method": method, "params": params, "req_id": number}
    if venue == "deribit":
        params = {"channels": [f"book.{symbol}.100ms"]}
        return {"jsonrpc": "2.0", "id": number, "method": f"public/{method}", "params": params}
    return {"method": method.upper(), "params": [f"{symbol.lower()}@depth@100ms"], "id": number}


def marker(venue: str, number: int) -> dict[str, Any]:
    """A request that changes nothing: its reply comes after all that was sent before."""
    if venue == "kraken":
        return {"method": "ping", "req_id": number}
    if venue == "deribit":
        return {"jsonrpc": "2.0", "id": number, "method": "public/test"}
    return {"method": "LIST_SUBSCRIPTIONS", "id": number}


class Client:
    """One socket, what it heard, and the keeper of one symbol's book that it feeds."""

    def __init__(self, exchange: Simulator, socket: ClientConnection) -> None:
        self.venue = exchange.config.venue
        self.symbol = exchange.config.traded[0]
        self.heard: list[dict[str, Any]] = []  # replies, and all that is not forwarded
        self.states: list[str] = []
        self.book: TopOfBook | None = None
        self.resyncs = 0
        self.rejects: list[str] = []
        self._exchange = exchange
        self._socket = socket
        self._label = labeller(self.venue)
        self._stamper = Stamper(self.venue, "client")
        self._keeper = Keeper(self.venue, self.symbol, KeeperConfig(levels=1000))
        self._numbers = count(1000)

    async def ask(self, message: dict[str, Any]) -> Any:
        """Send a request and hear on until its reply."""
        await self.send(message)
        return await self.until(
            lambda said: message.get("id", message.get("req_id")) in (said.get("id"), said.get("req_id"))
        )

    async def send(self, message: dict[str, Any]) -> None:
        """Send a request."""
        await self._socket.send(msgspec.json.encode(message), text=True)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Hear on until something that is not forwarded is wanted."""
        while True:
            said = self._hear(await self._socket.recv(decode=False))
            if said is not None and wanted(said):
                return said

    async def settle(self) -> None:
        """Hear all that was sent, and mend the book as long as the keeper asks for it."""
        before = -1
        while before != self.resyncs:
            before = self.resyncs
            await self.hear_all()
            if self.resyncs != before:
                await self.mend()

    async def hear_all(self) -> None:
        """Hear all that was sent."""
        await self.ask(marker(self.venue, next(self._numbers)))

    async def subscribe(self, method: str = "subscribe") -> Any:
        """Subscribe the book, or unsubscribe it."""
        return await self.ask(market_request(self.venue, self.symbol, method, next(self._numbers)))

    async def mend(self) -> None:
        """A fresh snapshot: by REST, or by a new subscription."""
        if self.venue in DEPTH_PATHS:
            self._feed("snapshot", await depth(self._exchange, self.symbol))
        else:
            await self.subscribe("unsubscribe")
            await self.subscribe()

    def disconnected(self) -> None:
        """Tell the keeper that the socket ended."""
        self._apply(msgspec.json.encode(self._stamper.event("disconnected", self.symbol, self._now())))

    def _hear(self, frame: bytes) -> dict[str, Any] | None:
        try:
            label = self._label(frame)
        except msgspec.DecodeError:
            self._apply(
                msgspec.json.encode(
                    {
                        "venue": self.venue,
                        "channel": self._book_channel,
                        "symbol": self.symbol,
                        "conn": "client",
                        "seq": 0,
                        "recv_us": self._now(),
                        "frame_text": frame.decode(),
                    }
                )
            )
            return None
        if label.kept:
            self._feed(label.channel, frame)
            return None
        said: dict[str, Any] = msgspec.json.decode(frame)
        self.heard.append(said)
        return said

    def _feed(self, channel: str, frame: bytes) -> None:
        self._book_channel = channel
        if channel.startswith("book") and b'"snapshot"' in frame:
            self._stamper.resubscribed(channel, self.symbol)
        self._apply(msgspec.json.encode(self._stamper.stamp(channel, self.symbol, self._now(), frame)))

    def _apply(self, value: bytes) -> None:
        batch = self._keeper.apply_all([value])
        self.states += [msgspec.json.decode(line, type=Status).state for line in batch.statuses]
        self.resyncs += len([msgspec.json.decode(line, type=Resync) for line in batch.resyncs])
        self.rejects += [reject.reason for reject in batch.rejects]
        self.book = msgspec.json.decode(batch.book, type=TopOfBook) if batch.book else self.book

    def _now(self) -> int:
        return int(self._exchange.clock() * 1e6)


def assert_equals_truth(client: Client, exchange: Simulator) -> None:
    """The client's book is the simulator's, as deep as the venue shows it."""
    truth = exchange.truth(client.symbol, KRAKEN_DEPTH if client.venue == "kraken" else None)
    assert client.book is not None
    assert (client.book.bids, client.book.asks) == (truth.bids, truth.asks)


async def depth(exchange: Simulator, symbol: str, limit: int = 1000) -> bytes:
    """The book by REST."""
    async with aiohttp.ClientSession() as http:
        path = f"{exchange.rest_url}{DEPTH_PATHS[exchange.config.venue]}"
        async with http.get(path, params={"symbol": symbol, "limit": str(limit)}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()


@asynccontextmanager
async def listening(exchange: Simulator, path: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """A client that is connected while the context lasts."""
    async with connect(f"{exchange.ws_url}{path or PATHS[exchange.config.venue]}", **options) as socket:
        yield Client(exchange, socket)


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until it holds."""
    while not condition():  # noqa: ASYNC110 - nothing signals what a test waits for
        await asyncio.sleep(0.005)
