"""One client's WebSocket: sends a session's frames over a socket and applies faults to them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from aiohttp import ClientConnectionResetError, WSMsgType, web

from simulator.active_faults import ActiveFaults
from simulator.exchange import Exchange
from simulator.frame_faults import FrameFaults
from simulator.publication import Publication
from simulator.session import Close, Outgoing, Ping, Pong, ServerSession, SnapshotOf

MAX_QUEUED = 20_000  # messages to send; a client that reads more slowly is cut off


@dataclass
class ExchangeContext:
    """State that the connections of one simulator share; `clock` gives epoch seconds and never steps back.

    `skew_s` is a fault: the times that the exchange writes are ahead of its clock by so many seconds.
    """

    exchange: Exchange
    active_faults: ActiveFaults
    clock: Callable[[], float]
    skew_s: float = 0.0

    def event_time(self, now: float) -> float:
        """The time that the exchange writes at `now`, epoch seconds."""
        return now + self.skew_s


class Connection:
    """`sent` and `lost` count frames by symbol and kind: frames sent, and frames that a fault removed."""

    def __init__(self, number: int, session: ServerSession, context: ExchangeContext, request: web.Request) -> None:
        self.number = number
        self.session = session
        self.faults = FrameFaults()
        self.sent: Counter[tuple[str, str]] = Counter()
        self.lost: Counter[tuple[str, str]] = Counter()
        self._context = context
        self._clock = context.clock
        self._request = request
        self._socket = web.WebSocketResponse(autoping=False, max_msg_size=1 << 22, compress=True)
        self._queue: asyncio.Queue[Outgoing] = asyncio.Queue(MAX_QUEUED)
        self._frozen_until = 0.0
        self._frozen_symbols: dict[str, float] = {}
        self._silent: dict[tuple[str, str], float] = {}  # until when, by symbol and kind
        self._silenced: dict[str, tuple[str, str]] = {}  # streams that lost a frame for that reason
        self._delayed: set[asyncio.Task[None]] = set()

    async def run(self) -> web.WebSocketResponse:
        """Serve until either side closes the connection."""
        await self._socket.prepare(self._request)
        writer = asyncio.create_task(self._write())
        self._send_all(self.session.opened(self._clock()))
        try:
            await self._read()
        finally:
            tasks = [writer, *self._delayed]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._socket

    def publish(self, publication: Publication) -> None:
        """Send a publication if the client subscribes its stream, with armed faults applied."""
        if publication.stream in self.session.streams:
            self._send_frames(publication)

    def freeze(self, until: float, symbol: str | None) -> None:
        """Send nothing, or nothing of this symbol, until then."""
        if symbol is None:
            self._frozen_until = until
        else:
            self._frozen_symbols[symbol] = until

    def silence(self, until: float, symbol: str, kind: str) -> None:
        """Send no frames of this symbol and kind until then, or until the client subscribes the stream again."""
        self._silent[symbol, kind] = until

    def die(self) -> None:
        """Send and answer nothing any more, without closing the connection."""
        self._frozen_until = inf

    def cut(self) -> None:
        """End without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Send the venue's announcement, then a close frame."""
        now = self._clock()
        self._send_all([*self.session.closing_frames(now), Close(code, reason)])

    async def _read(self) -> None:
        while not self._socket.closed:
            wait = self.session.deadline() - self._clock()
            try:
                message = await self._socket.receive(None if wait == inf else max(wait, 0.001))
            except asyncio.TimeoutError:
                self._send_all(self.session.tick(self._clock()))
                continue
            now = self._clock()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                data = message.data
                self.session.refusing = self._context.active_faults.refuses_subscriptions(now)
                self._send_all(self.session.received(data.encode() if isinstance(data, str) else data, now))
                self._end_silences()
            elif message.type is WSMsgType.PING:
                self._send_all(self.session.pinged(bytes(message.data), now))
            elif message.type is WSMsgType.PONG:
                self._send_all(self.session.ponged(now))

    def _end_silences(self) -> None:
        """Streams that the client has unsubscribed are sent again once they are subscribed."""
        for stream in [each for each in self._silenced if each not in self.session.streams]:
            self._silent.pop(self._silenced.pop(stream), None)

    async def _write(self) -> None:
        try:
            while True:
                match await self._queue.get():
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

    def _send_all(self, messages: Iterable[Outgoing]) -> None:
        for message in messages:
            if isinstance(message, SnapshotOf):
                self._request_snapshot(message.stream)
            else:
                self._enqueue(message)

    def _request_snapshot(self, stream: str) -> None:
        delay = self._context.active_faults.snapshot_delay(self._clock())
        if not delay:
            self._send_snapshot(stream)
            return
        # Updates flow meanwhile: a client must wait for the snapshot before it can apply them.
        task = asyncio.create_task(self._send_snapshot_later(stream, delay))
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)

    async def _send_snapshot_later(self, stream: str, delay: float) -> None:
        await asyncio.sleep(delay)
        if stream in self.session.streams:
            self._send_snapshot(stream)

    def _send_snapshot(self, stream: str) -> None:
        listed = self._context.exchange.find_stream(stream)
        publication = listed and listed.snapshot(stream, int(self._context.event_time(self._clock()) * 1e6))
        if publication:
            self._enqueue(self.session.encode(publication))

    def _send_frames(self, publication: Publication) -> None:
        now, key = self._clock(), (publication.symbol, publication.kind)
        if now < self._silent.get(key, 0.0):
            self._silenced[publication.stream] = key
            self.lost[key] += 1
            return
        if now < max(self._frozen_until, self._frozen_symbols.get(publication.symbol, 0.0)):
            self.lost[key] += 1
            return
        frames = self.faults.apply(publication, self.session.encode(publication))
        self.sent[key] += len(frames)
        self.lost[key] += not frames
        for frame in frames:
            self._enqueue(frame)

    def _enqueue(self, message: Outgoing) -> None:
        if self._clock() < self._frozen_until:
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.cut()
