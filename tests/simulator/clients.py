"""A client of the simulated exchanges, in a page: the parts of a venue that a forwarder uses. For tests only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from itertools import count
from typing import Any

import aiohttp
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from core.records import Resync, Status, TopOfBook
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator import Config, Limits, Simulator
from simulator.generator.market import MarketShape
from simulator.registry import SIMULATORS, default_symbols
from venues.protocol import Stream
from venues.registry import VENUES
from venues.stamping import Stamper

SYMBOLS = {venue: default_symbols(venue)[0] for venue in SIMULATORS}
PROTOCOLS = {venue: VENUES[venue].protocol for venue in SIMULATORS}
PATHS = {venue: protocol.path(protocol.channels[0]) for venue, protocol in PROTOCOLS.items()}
DEPTH_PATHS = {venue: protocol.snapshots.path for venue, protocol in PROTOCOLS.items() if protocol.snapshots}
KRAKEN_DEPTH = 25
TIME_LIMIT_S = 10.0


def halted(venue: str, **changes: Any) -> Config:
    """A halted market that moves by `step`, without limits unless given."""
    limits = changes.pop("limits", Limits())
    return Config(venue, (SYMBOLS[venue],), shape=MarketShape(60, 12), limits=limits, running=False, **changes)


def limited_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test for at most `TIME_LIMIT_S` seconds."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), TIME_LIMIT_S))

    return run


def market_request(venue: str, symbol: str, method: str, number: int) -> dict[str, Any]:
    """The request that subscribes or unsubscribes one symbol's book."""
    if venue == "kraken":
        params = {"channel": "book", "symbol": [symbol], "depth": KRAKEN_DEPTH}
        return {"method": method, "params": params, "req_id": number}
    if venue == "deribit":
        params = {"channels": [f"book.{symbol}.100ms"]}
        return {"jsonrpc": "2.0", "id": number, "method": f"public/{method}", "params": params}
    if venue in ("binance", "binance_usdm"):
        return {"method": method.upper(), "params": [f"{symbol.lower()}@depth@100ms"], "id": number}
    protocol = PROTOCOLS[venue]
    write = protocol.subscribe if method == "subscribe" else protocol.unsubscribe
    return _decoded(write([Stream(protocol.channels[0], symbol)], number))


def marker(venue: str, number: int) -> dict[str, Any]:
    """A request that changes nothing. Its reply follows all frames sent before."""
    if venue == "kraken":
        return {"method": "ping", "req_id": number}
    if venue == "deribit":
        return {"jsonrpc": "2.0", "id": number, "method": "public/test"}
    if venue in ("binance", "binance_usdm"):
        return {"method": "LIST_SUBSCRIPTIONS", "id": number}
    return _decoded(PROTOCOLS[venue].subscribe([], number))


def _decoded(text: str) -> dict[str, Any]:
    message: dict[str, Any] = msgspec.json.decode(text)
    return message


class Client:
    """One socket, its received frames, and the builder of one symbol's book."""

    def __init__(self, exchange: Simulator, socket: ClientConnection) -> None:
        self.venue = exchange.config.venue
        self.symbol = exchange.config.traded[0]
        self.unhandled: list[dict[str, Any]] = []  # replies and other frames that a forwarder ignores
        self.states: list[str] = []
        self.book: TopOfBook | None = None
        self.resyncs = 0
        self.rejects: list[str] = []
        self._exchange = exchange
        self._socket = socket
        self._classify = VENUES[self.venue].open_classifier()
        self._stamper = Stamper(self.venue, "client")
        self._builder = BookBuilder(self.venue, self.symbol, BookConfig(levels=1000), VENUES[self.venue].open_book_sync)
        self._numbers = count(1000)

    async def request(self, message: dict[str, Any]) -> Any:
        """Send a request and receive frames until its reply."""
        await self.send(message)
        return await self.until(
            lambda reply: message.get("id", message.get("req_id")) in (reply.get("id"), reply.get("req_id"))
        )

    async def send(self, message: dict[str, Any]) -> None:
        """Send a request."""
        await self._socket.send(msgspec.json.encode(message), text=True)

    async def until(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Receive frames until a reply, or another frame that a forwarder ignores, matches."""
        while True:
            received = self._receive(await self._socket.recv(decode=False))
            if received is not None and matches(received):
                return received

    async def settle(self) -> None:
        """Receive all frames sent, and resynchronise the book while the builder requests it."""
        before = -1
        while before != self.resyncs:
            before = self.resyncs
            await self.receive_all()
            if self.resyncs != before:
                await self.resynchronise()

    async def receive_all(self) -> None:
        """Receive all frames sent so far."""
        await self.request(marker(self.venue, next(self._numbers)))

    async def subscribe(self, method: str = "subscribe") -> Any:
        """Subscribe the book, or unsubscribe it."""
        return await self.request(market_request(self.venue, self.symbol, method, next(self._numbers)))

    async def resynchronise(self) -> None:
        """Get a new snapshot, by REST or by a new subscription."""
        if self.venue in DEPTH_PATHS:
            self._feed("snapshot", await depth(self._exchange, self.symbol))
        else:
            await self.subscribe("unsubscribe")
            await self.subscribe()

    def disconnected(self) -> None:
        """Pass the end of the socket to the builder."""
        self._apply(msgspec.json.encode(self._stamper.event("disconnected", self.symbol, self._now())))

    def _receive(self, frame: bytes) -> dict[str, Any] | None:
        try:
            info = self._classify(frame)
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
        if info.forwarded:
            self._feed(info.channel, frame)
            return None
        message: dict[str, Any] = msgspec.json.decode(frame)
        self.unhandled.append(message)
        return message

    def _feed(self, channel: str, frame: bytes) -> None:
        self._book_channel = channel
        if channel.startswith("book") and b'"snapshot"' in frame:
            self._stamper.resubscribed(channel, self.symbol)
        self._apply(msgspec.json.encode(self._stamper.stamp(channel, self.symbol, self._now(), frame)))

    def _apply(self, value: bytes) -> None:
        batch = self._builder.apply_all([value])
        self.states += [msgspec.json.decode(line, type=Status).state for line in batch.statuses]
        self.resyncs += len([msgspec.json.decode(line, type=Resync) for line in batch.resyncs])
        self.rejects += [reject.reason for reject in batch.rejects]
        self.book = msgspec.json.decode(batch.book, type=TopOfBook) if batch.book else self.book

    def _now(self) -> int:
        return int(self._exchange.clock() * 1e6)


def assert_equals_reference(client: Client, exchange: Simulator) -> None:
    """The client's book equals the simulator's, up to the depth that the venue publishes."""
    reference = exchange.reference_book(client.symbol, KRAKEN_DEPTH if client.venue == "kraken" else None)
    assert client.book is not None
    assert (client.book.bids, client.book.asks) == (reference.bids, reference.asks)


async def depth(exchange: Simulator, symbol: str, limit: int = 1000) -> bytes:
    """The book by REST."""
    async with aiohttp.ClientSession() as http:
        path = f"{exchange.rest_url}{DEPTH_PATHS[exchange.config.venue]}"
        async with http.get(path, params={"symbol": symbol, "limit": str(limit)}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()


@asynccontextmanager
async def listening(exchange: Simulator, path: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """A client that is connected until the context ends."""
    async with connect(f"{exchange.ws_url}{path or PATHS[exchange.config.venue]}", **options) as socket:
        yield Client(exchange, socket)


async def wait_until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until the condition is true."""
    while not condition():  # noqa: ASYNC110 - no event signals the condition
        await asyncio.sleep(0.005)
