"""One client's WebSocket: carries a session's words over a socket, with what faults do to them on the way."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from aiohttp import ClientConnectionResetError, WSMsgType, web

from ingestion.simulator.conditions import Conditions
from ingestion.simulator.damage import FrameFaults
from ingestion.simulator.exchange import Exchange
from ingestion.simulator.listing import Publication
from ingestion.simulator.session import Close, Out, Ping, Pong, Session, Snapshot

MAX_WAITING = 20_000  # things to send; who reads more slowly than that is cut off


@dataclass(frozen=True)
class Surroundings:
    """What the connections of one simulator share; `clock` gives epoch seconds and never steps back."""

    exchange: Exchange
    conditions: Conditions
    clock: Callable[[], float]


class Connection:
    """`sent` and `lost` count frames by symbol and kind: what left, and what a fault took."""

    def __init__(self, number: int, session: Session, around: Surroundings, request: web.Request) -> None:
        self.number = number
        self.session = session
        self.faults = FrameFaults()
        self.sent: Counter[tuple[str, str]] = Counter()
        self.lost: Counter[tuple[str, str]] = Counter()
        self._around = around
        self._clock = around.clock
        self._request = request
        self._socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 22, compress=True)
        self._waiting: asyncio.Queue[Out] = asyncio.Queue(MAX_WAITING)
        self._silent_until = 0.0
        self._silent_symbols: dict[str, float] = {}
        self._late: set[asyncio.Task[None]] = set()

    async def run(self) -> web.WebSocketResponse:
        """Serve until either side ends it."""
        await self._socket.prepare(self._request)
        writer = asyncio.create_task(self._write())
        self._say(self.session.opened(self._clock()))
        try:
            await self._read()
        finally:
            ending = [writer, *self._late]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
        return self._socket

    def publish(self, publication: Publication) -> None:
        """Send a publication that the client subscribed, or what faults make of it."""
        if publication.stream in self.session.streams:
            self._frames(publication)

    def freeze(self, until: float, symbol: str | None) -> None:
        """Say nothing, or nothing of this symbol, until then."""
        if symbol is None:
            self._silent_until = until
        else:
            self._silent_symbols[symbol] = until

    def cut(self) -> None:
        """End without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def leave(self, code: int, reason: str) -> None:
        """End politely, after what the venue says before."""
        now = self._clock()
        self._say([*self.session.farewell(now), Close(code, reason)])

    async def _read(self) -> None:
        while not self._socket.closed:
            wait = self.session.deadline() - self._clock()
            try:
                message = await self._socket.receive(None if wait == inf else max(wait, 0.001))
            except asyncio.TimeoutError:
                self._say(self.session.tick(self._clock()))
                continue
            now = self._clock()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                data = message.data
                self.session.refusing = self._around.conditions.refuses_subscriptions(now)
                self._say(self.session.received(data.encode() if isinstance(data, str) else data, now))
            elif message.type is WSMsgType.PING:
                self._say(self.session.pinged(bytes(message.data), now))
            elif message.type is WSMsgType.PONG:
                self._say(self.session.ponged(now))

    async def _write(self) -> None:
        try:
            while True:
                match await self._waiting.get():
                    case Ping(payload):
                        await self._socket.ping(payload)
                    case Pong(payload):
                        await self._socket.pong(payload)
                    case Close(code, reason):
                        await self._socket.close(code=code, message=reason.encode())
                    case bytes() as frame:
                        await self._socket.send_frame(frame, WSMsgType.TEXT)
        except ClientConnectionResetError:
            return

    def _say(self, things: Iterable[Out]) -> None:
        for thing in things:
            if isinstance(thing, Snapshot):
                self._snapshot(thing.stream)
            else:
                self._put(thing)

    def _snapshot(self, stream: str) -> None:
        delay = self._around.conditions.snapshot_delay(self._clock())
        if not delay:
            self._snapshot_now(stream)
            return
        # Updates flow meanwhile: a client must wait for the snapshot that they cannot be applied without.
        late = asyncio.create_task(self._snapshot_late(stream, delay))
        self._late.add(late)
        late.add_done_callback(self._late.discard)

    async def _snapshot_late(self, stream: str, delay: float) -> None:
        await asyncio.sleep(delay)
        if stream in self.session.streams:
            self._snapshot_now(stream)

    def _snapshot_now(self, stream: str) -> None:
        listing = self._around.exchange.offering(stream)
        publication = listing and listing.snapshot(stream, int(self._clock() * 1e6))
        if publication:
            self._put(self.session.dress(publication))

    def _frames(self, publication: Publication) -> None:
        now, key = self._clock(), (publication.symbol, publication.kind)
        if now < max(self._silent_until, self._silent_symbols.get(publication.symbol, 0.0)):
            self.lost[key] += 1
            return
        frames = self.faults.apply(publication, self.session.dress(publication))
        self.sent[key] += len(frames)
        self.lost[key] += not frames
        for frame in frames:
            self._put(frame)

    def _put(self, thing: Out) -> None:
        if self._clock() < self._silent_until:
            return
        try:
            self._waiting.put_nowait(thing)
        except asyncio.QueueFull:
            self.cut()
