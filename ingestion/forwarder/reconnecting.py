"""Keeps a set of streams connected: one connection after another, each with its own session.

Pings and size limits are those of `websockets`. Its reconnecting `async for` is not used: it cannot be stopped between
two attempts and does not count a connection that was cut at once as another failure. An attempt ends in one of three
ways: another attempt, a clean stop, or FatalRefusal.
"""

import asyncio
from collections.abc import Generator, Iterable
from secrets import token_hex
from time import monotonic

import structlog
from websockets.asyncio.client import ClientConnection, connect

from core.records import Envelope
from ingestion.forwarder.buffered_producer import BufferFull
from ingestion.forwarder.clock import now_us
from ingestion.forwarder.close_reasons import error_text, fatal_error, retry_after_of
from ingestion.forwarder.connection import CLOSE_TIMEOUT_S, TICK_S, Connection
from ingestion.forwarder.context import ForwarderContext
from ingestion.forwarder.rate_limit import backoff
from ingestion.forwarder.session import Session
from venues.protocol import Stream

log = structlog.get_logger("forwarder")


class ReconnectingConnection:
    """Connects to `url`, subscribes `streams`, and reconnects with back-off until stopped."""

    def __init__(self, name: str, url: str, streams: Iterable[Stream], context: ForwarderContext) -> None:
        self.name = name
        self.url = url
        self.streams = dict.fromkeys(streams)
        self.opened_at = monotonic()
        self._context = context
        self._stats = context.stats.connection(name)
        self._connection: Connection | None = None
        self._retry_after_s = 0.0  # delay that the newest refusal requires
        self._stopping = asyncio.Event()
        self._subscribed = asyncio.Event()

    @property
    def session(self) -> Session | None:
        """Session of the present connection; None between two connections."""
        return None if self._connection is None else self._connection.session

    async def run(self) -> None:
        """Run until `stop` is called. Raises FatalRefusal."""
        delays = self._backoff()
        while not self._stopping.is_set():
            socket = await self._connect()
            if socket is not None:
                started = monotonic()
                await self._run_connection(socket)
                if monotonic() - started > self._context.policy.stable_s:
                    delays = self._backoff()
            await self._sleep(max(next(delays), self._retry_after_s))

    async def stop(self) -> None:
        """Make `run` unsubscribe, close and return."""
        self._stopping.set()

    async def wait_until_subscribed(self) -> None:
        """Wait until all requested streams are active on the present connection."""
        await self._subscribed.wait()

    async def wait_for_data(self, timeout_s: float) -> None:
        """Wait until all streams are active, then up to `timeout_s` until every book has sent a frame."""
        await self.wait_until_subscribed()
        deadline = monotonic() + timeout_s
        while monotonic() < deadline:
            if self.session is None or self.session.has_data:
                return
            await asyncio.sleep(TICK_S)

    def add(self, streams: Iterable[Stream]) -> None:
        """Subscribe further streams, now and on later connections."""
        new = list(streams)
        self.streams.update(dict.fromkeys(new))
        if self._connection is not None:
            self._connection.session.subscriptions.add(new)
            self._connection.wake.set()

    def remove(self, streams: Iterable[Stream]) -> None:
        """Unsubscribe streams, now and on later connections."""
        removed = [stream for stream in streams if self.streams.pop(stream, self) is not self]
        if self._connection is not None:
            self._connection.session.subscriptions.remove(removed)
            self._connection.wake.set()

    async def _connect(self) -> ClientConnection | None:
        """Attempt to connect once. Returns None if another attempt may succeed or `stop` was called."""
        policy, stats, self._retry_after_s = self._context.policy, self._context.stats, 0.0
        attempt = asyncio.ensure_future(
            connect(
                self.url,
                compression="deflate" if policy.compression else None,
                max_size=policy.max_frame_bytes,
                max_queue=256,
                ping_interval=policy.ping_s,
                ping_timeout=policy.ping_s,
                close_timeout=CLOSE_TIMEOUT_S,
            )
        )
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait([attempt, stopped], return_when=asyncio.FIRST_COMPLETED)
            if not attempt.done():
                return None
            socket = attempt.result()
            stats.connected_urls.add(self.url)
            return socket
        except Exception as error:
            fatal = fatal_error(self.url, error, self.url in stats.connected_urls)
            if fatal is not None:
                raise fatal from error
            stats.refused_attempts[self.name] += 1
            self._retry_after_s = retry_after_of(error)
            log.warning("connection failed", connection=self.name, url=self.url, error=error_text(error))
            return None
        finally:
            stopped.cancel()
            attempt.cancel()

    def _backoff(self) -> Generator[float, None, None]:
        policy = self._context.policy
        return backoff(policy.first_delay_s, policy.max_delay_s, self._context.random)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or return at once when `stop` is called."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return

    async def _run_connection(self, socket: ClientConnection) -> None:
        context, conn = self._context, token_hex(4)
        session = Session(context.protocol, self.streams, conn, context.stats, monotonic(), context.on_subscribed)
        connection = Connection(session, context, self._subscribed, self._stopping)
        self._connection, self.opened_at = connection, monotonic()
        session.open()
        log.info("connected", connection=self.name, conn=conn, url=self.url, streams=len(self.streams))
        self._stats.open_sockets += 1
        try:
            await self._forward_events(session.connection_events("connected", now_us()))
            reason = await connection.run(socket)
        finally:
            self._stats.open_sockets -= 1
            self._stats.disconnects += not self._stopping.is_set()
            self._connection = None
            self._subscribed.clear()
            session.subscriptions.close()
        dropped = connection.dropped
        log.info("disconnected", connection=self.name, conn=conn, reason=reason, dropped=dropped.total())
        await self._forward_events(session.dropped_event(*each, now_us()) for each in dropped.items())
        await self._forward_events(session.connection_events("disconnected", now_us()))

    async def _forward_events(self, events: Iterable[Envelope]) -> None:
        """Forward connection events, which must not be lost: wait while the buffer is full, unless stopping."""
        for event in events:
            while True:
                try:
                    self._context.forward(event)
                    break
                except BufferFull:
                    if self._stopping.is_set():
                        log.error("event lost", connection=self.name, symbol=event.symbol, type=event.event)
                        break
                    await self._context.wait_for_capacity()
