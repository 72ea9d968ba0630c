"""Which link carries what: sharding, replacement before a lifetime ends, streams that come and go."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic

import structlog

from ingestion.forwarder.dialects import Stream
from ingestion.forwarder.ledger import has_book
from ingestion.forwarder.link import Link
from ingestion.forwarder.session import Session
from ingestion.forwarder.sharding import shards
from ingestion.forwarder.surroundings import Surroundings

WATCH_S = 0.25
STAGGER_S = 0.2  # between the first attempts of two links: venues count attempts
OVERLAP_S = 15.0  # how long to wait for a quiet symbol's first frame on a fresh link
RENEW_SHARE = (0.90, 0.97)  # of the lifetime: drawn, so that links do not all go at once

log = structlog.get_logger("forwarder")

Granted = Callable[[list[Stream], bool], None]  # streams newly live; whether another link carried them all along


class Place:
    """A place for one connection: keeps a link in it, and puts a fresh one there before the old one's life ends."""

    def __init__(self, name: str, url: str, streams: Iterable[Stream], around: Surroundings, granted: Granted) -> None:
        self.name = name
        self.streams = dict.fromkeys(streams)
        self.url = url
        self._around = around
        self._granted = granted
        self._link = self._make(renewing=False)
        self._fresh: Link | None = None
        self._stopping = asyncio.Event()

    @property
    def links(self) -> list[Link]:
        """The link, and during a replacement the fresh one after it."""
        return [self._link] if self._fresh is None else [self._link, self._fresh]

    async def run(self, lifetime_s: float | None, delay_s: float) -> None:
        """Until `stop`. Raises FatalRefusal."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)
        if self._stopping.is_set():
            return
        task = asyncio.create_task(self._link.run())
        share = self._around.random.uniform(*RENEW_SHARE)
        while not task.done():
            await asyncio.wait([task], timeout=WATCH_S)
            if not task.done() and self._due(lifetime_s, share):
                task = await self._renew(task)
                share = self._around.random.uniform(*RENEW_SHARE)
        await task

    async def stop(self) -> None:
        """Ask `run` to end, its links unsubscribed and closed."""
        self._stopping.set()
        for link in self.links:
            await link.stop()

    def add(self, streams: Iterable[Stream]) -> None:
        """Carry more."""
        new = list(streams)
        self.streams.update(dict.fromkeys(new))
        for link in self.links:
            link.add(new)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Carry less."""
        gone = [stream for stream in streams if self.streams.pop(stream, self) is not self]
        for link in self.links:
            link.remove(gone)

    def _due(self, lifetime_s: float | None, share: float) -> bool:
        session = self._link.session
        if self._stopping.is_set() or session is None:
            return False
        old = lifetime_s is not None and monotonic() - self._link.opened_at > lifetime_s * share
        return old or bool(session.leaving)

    async def _renew(self, task: "asyncio.Task[None]") -> "asyncio.Task[None]":
        """Have a fresh link bring frames, then drop the old one: the streams overlap, nothing is missed."""
        log.info("renewing connection", link=self.name)
        self._fresh = fresh = self._make(renewing=True)
        fresh_task = asyncio.create_task(fresh.run())
        ready = asyncio.create_task(fresh.speaking(OVERLAP_S))
        await asyncio.wait([ready, fresh_task], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        await self._link.stop()
        await task
        self._link, self._fresh = fresh, None
        return fresh_task

    def _make(self, renewing: bool) -> Link:
        link = Link(self.name, self.url, self.streams, self._around)
        # Once the fresh link has taken the place, what it subscribes anew was not carried by another.
        link.on_granted = lambda streams: self._granted(streams, renewing and link is self._fresh)
        return link


class Pool:
    """All places of one forwarder."""

    def __init__(
        self, around: Surroundings, ws_url: str, most: int, lifetime_s: float | None, granted: Granted
    ) -> None:
        self.places: list[Place] = []
        self._around = around
        self._ws_url = ws_url.rstrip("/")
        self._most = most
        self._lifetime_s = lifetime_s
        self._granted = granted
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Until `stop` was called and everything is closed. Raises the first FatalRefusal of a link."""
        await self._failure

    def add(self, streams: Iterable[Stream], found: bool = False) -> None:
        """Carry more streams: in places with room on the same path, else in new ones.

        `found`: nobody named them, so a refusal of one lets it go.
        """
        left = list(streams)
        for stream in left:
            self._around.ledger.stream(stream).may_lapse |= found
        for place in self.places:
            room = self._most - len(place.streams)
            fitting = [stream for stream in left if self._url(stream) == place.url][: max(0, room)]
            if fitting:
                place.add(fitting)
                left = [stream for stream in left if stream not in place.streams]
        for shard in shards(self._around.dialect, left, self._most):
            self._open(shard)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Carry fewer streams."""
        gone = list(streams)
        for place in self.places:
            place.remove(gone)
        self._around.ledger.forget(frozenset(gone))

    def sessions(self) -> list[Session]:
        """Of all connections that stand."""
        found = (link.session for place in self.places for link in place.links)
        return [session for session in found if session is not None]

    def carriers(self, symbol: str) -> list[Session]:
        """The sessions on which a book of `symbol` is live, the oldest first."""
        venue = self._around.dialect.venue
        return [
            session
            for session in self.sessions()
            if any(stream.symbol == symbol and has_book(venue, stream) for stream in session.streams.live)
        ]

    async def stop(self) -> None:
        """Unsubscribe and close everything."""
        await asyncio.gather(*(place.stop() for place in self.places))
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._failure.done():
            self._failure.set_result(None)

    def _url(self, stream: Stream) -> str:
        path = self._around.dialect.path(stream.channel)
        return self._ws_url if self._ws_url.endswith(path) else self._ws_url + path

    def _open(self, streams: list[Stream]) -> None:
        place = Place(f"{len(self.places)}", self._url(streams[0]), streams, self._around, self._granted)
        task = asyncio.create_task(place.run(self._lifetime_s, STAGGER_S * len(self._tasks)))
        self.places.append(place)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_exception(error)
