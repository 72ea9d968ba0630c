"""What is done about lost books: a REST snapshot where the venue has them, elsewhere a new subscription."""

from collections.abc import Iterable

import structlog

from ingestion.forwarder.clock import now_ms
from ingestion.forwarder.dialects import Stream
from ingestion.forwarder.ledger import has_book
from ingestion.forwarder.outlet import Full
from ingestion.forwarder.pool import Pool
from ingestion.forwarder.resync import Requests
from ingestion.forwarder.snapshots import SnapshotDesk
from ingestion.forwarder.surroundings import Surroundings
from market.records import Resync

log = structlog.get_logger("forwarder")


class Cure:
    """Answers requests and new subscriptions. `pool` is set before anything is asked."""

    pool: Pool

    def __init__(self, around: Surroundings) -> None:
        self.desk: SnapshotDesk | None = None
        self._around = around
        self._requests = Requests(around.dialect.venue, by_connection=around.dialect.depth is None)

    def granted(self, streams: Iterable[Stream], carried: bool) -> None:
        """Streams are newly live. A book that another link carried all along goes on without a snapshot."""
        for stream in streams:
            if not has_book(self._around.dialect.venue, stream):
                continue
            if self.desk is None:
                self._requests.answered(stream.symbol, now_ms())  # the snapshot follows in the stream
            elif not carried:
                self.desk.request(stream.symbol)

    def deliver(self, symbol: str, body: bytes, recv_us: int) -> None:
        """A snapshot came. With no connection to put it in it is of no use: the next one asks for its own."""
        carriers = self.pool.carriers(symbol)
        if not carriers:
            return
        try:
            self._around.forward(carriers[-1].snapshot(symbol, body, recv_us))
        except Full:
            log.warning("no room for a snapshot, which will be asked for again", symbol=symbol)
            return
        self._requests.answered(symbol, now_ms())

    def act(self, request: Resync, told_ms: int) -> None:
        """Do what a request asks for, unless it is done already or somebody else's."""
        carriers = self.pool.carriers(request.symbol)
        mine = {session.conn for session in self.pool.sessions()}
        if not carriers or not self._requests.admit(request, told_ms, now_ms(), mine.__contains__):
            return
        self._around.ledger.losses[request.symbol] += 1
        log.info("resync", symbol=request.symbol, reason=request.reason, conn=request.conn)
        if self.desk is not None:
            self.desk.request(request.symbol)
            return
        for session in [each for each in carriers if each.conn == request.conn] or carriers:
            session.streams.renew(request.symbol)
