"""One connection after another for one set of streams, each with a session of its own.

Pings and limits are `websockets`' own. Its reconnecting `async for` is not used: it cannot be told to stop between two
attempts, nor to count a connection that was cut at once as another failure. What a connection meets ends in one of
three ways: another attempt, a clean stop, or FatalRefusal.
"""

import asyncio
from collections.abc import Callable, Generator, Iterable
from secrets import token_hex
from time import monotonic

import structlog
from websockets.asyncio.client import ClientConnection, connect

from ingestion.forwarder.clock import now_us
from ingestion.forwarder.conversation import FAREWELL_S, TICK_S, Conversation
from ingestion.forwarder.dialects import Stream
from ingestion.forwarder.endings import fatal_error
from ingestion.forwarder.outlet import Full
from ingestion.forwarder.pacing import delays
from ingestion.forwarder.session import Session
from ingestion.forwarder.surroundings import Surroundings
from market.records import Envelope

log = structlog.get_logger("forwarder")


class Link:
    """Keeps one connection up."""

    def __init__(self, name: str, url: str, streams: Iterable[Stream], around: Surroundings) -> None:
        self.name = name
        self.url = url
        self.streams = dict.fromkeys(streams)
        self.opened_at = monotonic()
        self.on_granted: Callable[[list[Stream]], None] = lambda streams: None
        self._around = around
        self._record = around.ledger.link(name)
        self._conversation: Conversation | None = None
        self._stopping = asyncio.Event()
        self._subscribed = asyncio.Event()

    @property
    def session(self) -> Session | None:
        """The present connection's, None between two."""
        return None if self._conversation is None else self._conversation.session

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
        if self._conversation is not None:
            self._conversation.session.streams.add(new)
            self._conversation.wake.set()

    def remove(self, streams: Iterable[Stream]) -> None:
        """Carry fewer streams."""
        gone = [stream for stream in streams if self.streams.pop(stream, self) is not self]
        if self._conversation is not None:
            self._conversation.session.streams.remove(gone)
            self._conversation.wake.set()

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
        talk = Conversation(session, around, self._take, self._subscribed, self._stopping)
        self._conversation, self.opened_at = talk, monotonic()
        self._record.connected = True
        session.open()
        log.info("connected", link=self.name, conn=session.conn, url=self.url, streams=len(self.streams))
        try:
            await self._tell(session.events("connected", now_us()))
            reason = await talk.run(socket)
        finally:
            self._record.connected = False
            self._record.disconnects += not self._stopping.is_set()
            self._conversation = None
            self._subscribed.clear()
            session.streams.end()
        log.info("disconnected", link=self.name, conn=session.conn, reason=reason, dropped=talk.lost.total())
        await self._tell(session.dropped(symbol, frames, now_us()) for symbol, frames in talk.lost.items())
        await self._tell(session.events("disconnected", now_us()))

    def _take(self, granted: list[Stream]) -> None:
        self.on_granted(granted)

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
