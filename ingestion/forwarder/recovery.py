"""Recovery of lost books: a REST snapshot where the venue offers them, otherwise a new subscription."""

from time import monotonic

import structlog

from core.records import Resync
from ingestion.forwarder.buffered_producer import BufferFull
from ingestion.forwarder.context import ForwarderContext
from ingestion.forwarder.pool import Pool
from ingestion.forwarder.resync import ResyncFilter
from ingestion.forwarder.snapshots import SnapshotFetcher
from ingestion.forwarder.stats import has_book
from venues.protocol import Stream

log = structlog.get_logger("forwarder")


class BookRecovery:
    """Provides a fresh book after each subscription and resync request. `fetcher` is None without REST snapshots."""

    def __init__(self, context: ForwarderContext, pool: Pool, fetcher: SnapshotFetcher | None) -> None:
        self._context = context
        self._pool = pool
        self._fetcher = fetcher
        self._filter = ResyncFilter(context.protocol.venue, by_connection=context.protocol.snapshots is None)

    def on_subscribed(self, conn: str, streams: list[Stream]) -> None:
        """Fetch snapshots of newly subscribed books.

        A replacement connection needs none: the connection that it replaces has carried the book without a break.
        """
        for stream in streams:
            if not has_book(self._context.protocol.venue, stream):
                continue
            if self._fetcher is None:
                self._filter.mark_recovered(stream.symbol, monotonic())  # the snapshot follows in the stream
            elif not self._pool.is_replacement(conn):
                self._fetcher.request(stream.symbol)

    def forward_snapshot(self, symbol: str, body: bytes, recv_us: int) -> None:
        """Forward a fetched snapshot on the newest connection that carries the book.

        It is discarded if there is none: the next subscription requests another one.
        """
        sessions = self._pool.sessions_with_book(symbol)
        if not sessions:
            return
        try:
            self._context.forward(sessions[-1].snapshot(symbol, body, recv_us))
        except BufferFull:
            log.warning("snapshot discarded, buffer full; waiting for the next resync request", symbol=symbol)
            return
        self._filter.mark_recovered(symbol, monotonic())

    def handle_request(self, request: Resync, requested_at: float) -> None:
        """Act on a resync request, unless it is expired, already served or meant for another forwarder.

        `requested_at`: time of the request on this process's monotonic clock, s.
        """
        sessions = self._pool.sessions_with_book(request.symbol)
        own = {session.conn for session in self._pool.sessions()}
        if not sessions or not self._filter.admit(request, requested_at, monotonic(), own.__contains__):
            return
        self._context.stats.lost_books[request.symbol] += 1
        log.info("resync", symbol=request.symbol, reason=request.reason, conn=request.conn)
        if self._fetcher is not None:
            self._fetcher.request(request.symbol)
            return
        for session in [each for each in sessions if each.conn == request.conn] or sessions:
            session.subscriptions.resubscribe(request.symbol)
