"""Pool of connections: distributes streams and replaces each connection before its lifetime ends."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic

import structlog

from ingestion.background import failure
from ingestion.forwarder.context import ForwarderContext
from ingestion.forwarder.plan import shards
from ingestion.forwarder.reconnecting import ReconnectingConnection
from ingestion.forwarder.session import Session
from ingestion.forwarder.stats import has_book
from venues.protocol import Stream

POLL_S = 0.25
STAGGER_S = 0.2  # between the first attempts of two connections: venues count attempts
OVERLAP_S = 15.0  # wait for the first frame of a quiet symbol on a replacement connection
REPLACE_SHARE = (0.90, 0.97)  # share of the lifetime, drawn at random, so that connections are not all replaced at once

log = structlog.get_logger("forwarder")


class ConnectionSlot:
    """Slot of the pool: holds one connection and replaces it before its lifetime ends."""

    def __init__(self, name: str, url: str, streams: Iterable[Stream], context: ForwarderContext) -> None:
        self.name = name
        self.streams = dict.fromkeys(streams)
        self.url = url
        self._context = context
        self._current = self._new_connection()
        self._replacement: ReconnectingConnection | None = None
        self._stopping = asyncio.Event()

    @property
    def connections(self) -> list[ReconnectingConnection]:
        """The current connection, followed by its replacement while one is being opened."""
        return [self._current] if self._replacement is None else [self._current, self._replacement]

    def is_replacement(self, conn: str) -> bool:
        """True while the connection id `conn` belongs to the replacement that is being opened."""
        session = None if self._replacement is None else self._replacement.session
        return session is not None and session.conn == conn

    async def run(self, lifetime_s: float | None, delay_s: float) -> None:
        """Connect after `delay_s` and run until `stop` is called. Raises FatalRefusal."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)
        if self._stopping.is_set():
            return
        task = asyncio.create_task(self._current.run())
        share = self._context.random.uniform(*REPLACE_SHARE)
        while not task.done():
            await asyncio.wait([task], timeout=POLL_S)
            if not task.done() and self._is_replacement_due(lifetime_s, share):
                task = await self._replace(task)
                share = self._context.random.uniform(*REPLACE_SHARE)
        await task

    async def stop(self) -> None:
        """Make `run` unsubscribe, close its connections and return."""
        self._stopping.set()
        for connection in self.connections:
            await connection.stop()

    def add(self, streams: Iterable[Stream]) -> None:
        """Subscribe further streams."""
        new = list(streams)
        self.streams.update(dict.fromkeys(new))
        for connection in self.connections:
            connection.add(new)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Unsubscribe streams."""
        removed = [stream for stream in streams if self.streams.pop(stream, self) is not self]
        for connection in self.connections:
            connection.remove(removed)

    def _is_replacement_due(self, lifetime_s: float | None, share: float) -> bool:
        session = self._current.session
        if self._stopping.is_set() or session is None:
            return False
        expiring = lifetime_s is not None and monotonic() - self._current.opened_at > lifetime_s * share
        return expiring or bool(session.closing_notice)

    async def _replace(self, task: "asyncio.Task[None]") -> "asyncio.Task[None]":
        """Open a replacement and close the old connection once the replacement has data: no frame is missed."""
        log.info("replacing connection", connection=self.name)
        self._replacement = replacement = self._new_connection()
        replacement_task = asyncio.create_task(replacement.run())
        ready = asyncio.create_task(replacement.wait_for_data(OVERLAP_S))
        await asyncio.wait([ready, replacement_task], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        await self._current.stop()
        await task
        self._current, self._replacement = replacement, None
        return replacement_task

    def _new_connection(self) -> ReconnectingConnection:
        return ReconnectingConnection(self.name, self.url, self.streams, self._context)


class Pool:
    """All connection slots of one forwarder, each with at most `max_streams` streams."""

    def __init__(self, context: ForwarderContext, ws_url: str, max_streams: int, lifetime_s: float | None) -> None:
        self.slots: list[ConnectionSlot] = []
        self._context = context
        self._ws_url = ws_url.rstrip("/")
        self._max_streams = max_streams
        self._lifetime_s = lifetime_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Wait until `stop` has closed everything. Raises the first FatalRefusal of a connection."""
        await self._ended

    def add(self, streams: Iterable[Stream], optional: bool = False) -> None:
        """Subscribe streams: in slots of the same path with free capacity, then in new slots.

        A refusal removes an `optional` stream; any other one stops the forwarder.
        """
        unassigned = list(streams)
        for stream in unassigned:
            self._context.stats.stream(stream).optional |= optional
        for slot in self.slots:
            capacity = self._max_streams - len(slot.streams)
            fitting = [stream for stream in unassigned if self._url(stream) == slot.url][: max(0, capacity)]
            if fitting:
                slot.add(fitting)
                unassigned = [stream for stream in unassigned if stream not in slot.streams]
        for shard in shards(self._context.protocol, unassigned, self._max_streams):
            self._open_slot(shard)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Unsubscribe streams."""
        removed = list(streams)
        for slot in self.slots:
            slot.remove(removed)
        self._context.stats.remove(frozenset(removed))

    def sessions(self) -> list[Session]:
        """Sessions of all open connections."""
        sessions = (connection.session for slot in self.slots for connection in slot.connections)
        return [session for session in sessions if session is not None]

    def sessions_with_book(self, symbol: str) -> list[Session]:
        """Sessions on which a book of `symbol` is active, the oldest first."""
        venue = self._context.protocol.venue
        return [
            session
            for session in self.sessions()
            if any(stream.symbol == symbol and has_book(venue, stream) for stream in session.subscriptions.active)
        ]

    def is_replacement(self, conn: str) -> bool:
        """True while the connection id `conn` replaces another connection that is still open."""
        return any(slot.is_replacement(conn) for slot in self.slots)

    async def stop(self) -> None:
        """Unsubscribe and close all connections."""
        await asyncio.gather(*(slot.stop() for slot in self.slots))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._ended.done():
            self._ended.set_result(None)

    def cancel(self) -> None:
        """Abandon the connections: the last resort where `stop` takes too long."""
        for task in self._tasks:
            task.cancel()

    def _url(self, stream: Stream) -> str:
        path = self._context.protocol.path(stream.channel)
        return self._ws_url if self._ws_url.endswith(path) else self._ws_url + path

    def _open_slot(self, streams: list[Stream]) -> None:
        slot = ConnectionSlot(f"{len(self.slots)}", self._url(streams[0]), streams, self._context)
        task = asyncio.create_task(slot.run(self._lifetime_s, STAGGER_S * len(self._tasks)))
        self.slots.append(slot)
        self._tasks.add(task)
        task.add_done_callback(self._on_slot_end)

    def _on_slot_end(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._ended.done():
            self._ended.set_exception(failure("connection", error))
