"""The transport: one connection after another for one set of streams, each with a session of its own.

Pings and limits are `websockets`' own. Its reconnecting `async for` is not used: it cannot be told to stop between two
attempts, nor to count a connection that was cut at once as another failure. What a connection meets ends in one of
three ways: another attempt, a clean stop, or FatalRefusal.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable
from dataclasses import dataclass, field
from random import Random
from secrets import token_hex
from time import monotonic, time_ns

import structlog
from websockets.asyncio.client import ClientConnection, connect

from ingestion.forwarder.dialects import Dialect, Stream
from ingestion.forwarder.endings import fatal_error, reason_of
from ingestion.forwarder.ledger import Ledger
from ingestion.forwarder.outlet import Full
from ingestion.forwarder.pacing import Bucket, delays
from ingestion.forwarder.session import Patience, Session, SessionEnd
from market.records import Envelope

TICK_S = 0.25
FAREWELL_S = 2.0

log = structlog.get_logger("forwarder")


@dataclass(frozen=True)
class Manner:
    """How a link behaves. `stable_s`: a connection that lasted less counts as another failed attempt."""

    patience: Patience
    first_delay_s: float = 0.5
    most_delay_s: float = 60.0
    stable_s: float = 10.0
    ping_s: float = 20.0
    max_frame_bytes: int = 8 * 1024 * 1024
    compression: bool = True


@dataclass
class Surroundings:
    """What the links of one forwarder share."""

    dialect: Dialect
    ledger: Ledger
    manner: Manner
    forward: Callable[[Envelope], None]  # raises Full
    room: Callable[[], Awaitable[None]]  # returns when there is room again
    random: Random = field(default_factory=Random)


class Link:
    """Keeps one connection up. `session` is the present one's, None between two."""

    def __init__(self, name: str, url: str, streams: Iterable[Stream], around: Surroundings) -> None:
        self.name = name
        self.url = url
        self.streams = dict.fromkeys(streams)
        self.session: Session | None = None
        self.opened_at = monotonic()
        self.on_granted: Callable[[list[Stream]], None] = lambda streams: None
        self._around = around
        self._record = around.ledger.link(name)
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._subscribed = asyncio.Event()

    async def run(self) -> None:
        """Until `stop`. Raises FatalRefusal."""
        manner = self._around.manner
        pauses = self._delays()
        while not self._stopping.is_set():
            socket = await self._connect()
            if socket is not None:
                started = monotonic()
                await self._converse(socket)
                if monotonic() - started > manner.stable_s:
                    pauses = self._delays()
            await self._pause(next(pauses))

    async def stop(self) -> None:
        """Ask `run` to unsubscribe, close and return."""
        self._stopping.set()

    async def subscribed(self) -> None:
        """Wait until everything wanted was granted on the present connection."""
        await self._subscribed.wait()

    async def speaking(self, within_s: float) -> None:
        """Wait until everything was granted, and then `within_s` at most until every book has sent a frame."""
        await self.subscribed()
        give_up_at = monotonic() + within_s
        while monotonic() < give_up_at:
            if self.session is None or self.session.speaking:
                return
            await asyncio.sleep(TICK_S)

    def add(self, streams: Iterable[Stream]) -> None:
        """Carry more streams."""
        new = list(streams)
        self.streams.update(dict.fromkeys(new))
        if self.session is not None:
            self.session.add(new)
            self._wake.set()

    def remove(self, streams: Iterable[Stream]) -> None:
        """Carry fewer streams."""
        gone = [stream for stream in streams if self.streams.pop(stream, self) is not self]
        if self.session is not None:
            self.session.remove(gone)
            self._wake.set()

    async def _connect(self) -> ClientConnection | None:
        """One attempt; None when it failed in a way that is worth another, or when we are to stop."""
        manner = self._around.manner
        attempt = asyncio.ensure_future(
            connect(
                self.url,
                compression="deflate" if manner.compression else None,
                max_size=manner.max_frame_bytes,
                max_queue=256,
                ping_interval=manner.ping_s,
                ping_timeout=manner.ping_s,
                close_timeout=FAREWELL_S,
            )
        )
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([attempt, stopped], return_when=asyncio.FIRST_COMPLETED)
            return attempt.result() if attempt.done() else None
        except Exception as error:
            fatal = fatal_error(self.url, error)
            if fatal is not None:
                raise fatal from error
            log.warning("connection failed", link=self.name, url=self.url, error=str(error) or type(error).__name__)
            return None
        finally:
            stopped.cancel()
            attempt.cancel()

    def _delays(self) -> Generator[float, None, None]:
        manner = self._around.manner
        return delays(manner.first_delay_s, manner.most_delay_s, self._around.random)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return

    async def _converse(self, socket: ClientConnection) -> None:
        around = self._around
        session = Session(around.dialect, self.streams, token_hex(4), around.ledger, monotonic())
        self.session, self.opened_at = session, monotonic()
        self._record.connected = True
        session.open()
        lost: Counter[str] = Counter()
        log.info("connected", link=self.name, conn=session.conn, url=self.url, streams=len(self.streams))
        try:
            await self._tell(session.events("connected", now_us()))
            reason = await self._until_end(socket, session, lost)
        finally:
            self._record.connected = False
            self._record.disconnects += not self._stopping.is_set()
            self.session = None
            self._subscribed.clear()
            session.end()
        log.info("disconnected", link=self.name, conn=session.conn, reason=reason, dropped=lost.total())
        await self._tell(session.dropped(symbol, frames, now_us()) for symbol, frames in lost.items())
        await self._tell(session.events("disconnected", now_us()))

    async def _tell(self, events: Iterable[Envelope]) -> None:
        """Forward events that must not be lost: wait for room where there is none, unless we are to stop."""
        for event in events:
            while True:
                try:
                    self._around.forward(event)
                    break
                except Full:
                    if self._stopping.is_set():
                        log.error("event lost", link=self.name, symbol=event.symbol, said=event.event)
                        break
                    await self._around.room()

    async def _until_end(self, socket: ClientConnection, session: Session, lost: Counter[str]) -> str:
        """Run the conversation; returns why it ended. The socket is closed then."""
        work = [
            self._read(socket, session, lost),
            self._send(socket, session),
            self._tick(session),
            self._leave(socket),
        ]
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return reason_of(next(iter(done)), self._around.dialect.final_closes)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await socket.close()

    async def _read(self, socket: ClientConnection, session: Session, lost: Counter[str]) -> None:
        receive, hear, forward = socket.recv, session.hear, self._around.forward
        while True:
            frame = await receive(decode=False)
            envelope = hear(frame, time_ns() // 1000, monotonic())
            if envelope is None:
                self._attend(session)
                continue
            try:
                forward(envelope)
            except Full:
                lost[envelope.symbol] += 1
                self._around.ledger.dropped[envelope.symbol] += 1
                raise SessionEnd("queue and disk buffer are full") from None

    def _attend(self, session: Session) -> None:
        """After a message that was for us: there may be something to send, or new streams to tell of."""
        if session.outbox:
            self._wake.set()
        if session.granted:
            granted, session.granted = session.granted, []
            self.on_granted(granted)
        if session.subscribed:
            self._subscribed.set()

    async def _send(self, socket: ClientConnection, session: Session) -> None:
        rate = self._around.dialect.limits.messages_per_s
        bucket = Bucket(rate, max(1.0, rate), monotonic())
        while True:
            while session.outbox:
                wait_s = bucket.take(1, monotonic())
                if wait_s:
                    await asyncio.sleep(wait_s)
                    continue
                number, text = session.outbox.popleft()
                await socket.send(text)
                session.sent(number, monotonic())
            self._wake.clear()
            await self._wake.wait()

    async def _tick(self, session: Session) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            session.tick(monotonic(), self._around.manner.patience)
            if session.outbox:
                self._wake.set()

    async def _leave(self, socket: ClientConnection) -> None:
        await self._stopping.wait()
        session = self.session
        if session is not None:
            for text in session.farewell():
                await asyncio.wait_for(socket.send(text), FAREWELL_S)


def now_us() -> int:
    """Wall clock, epoch µs."""
    return time_ns() // 1000
