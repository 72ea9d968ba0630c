"""Where records are made: the one place that turns what a book did into encoded lines."""

from collections.abc import Sequence

import msgspec

from market.batch import Batch
from market.book import Book
from market.config import KeeperConfig
from market.metrics import SideMetrics, Touch, measure, rank_weights, side_metrics
from market.records import Processed, Resync, Side, State, Status, TopOfBook, Trade
from market.side import Side as BookSide

_encode = msgspec.json.Encoder().encode


class Output:
    """Collects the lines of one key's current batch. `before` is the touch that order flow compares with."""

    __slots__ = (
        "_asks",
        "_bids",
        "_depth",
        "_last",
        "_levels",
        "_reach",
        "_symbol",
        "_venue",
        "_weights",
        "batch",
        "before",
    )

    def __init__(self, venue: str, symbol: str, config: KeeperConfig) -> None:
        self._venue = venue
        self._symbol = symbol
        self._depth = config.depth
        self._levels = config.levels
        self._reach = max(config.depth, config.levels)
        self._weights = rank_weights(config.depth)
        self._bids: SideMetrics | None = None
        self._asks: SideMetrics | None = None
        self._last: Processed | None = None
        self.before: Touch | None = None
        self.batch = Batch()

    def publish(self, book: Book, update_id: int, event_time: int, recv_us: int, flags: Sequence[str] = ()) -> None:
        """One metrics record for an update that was applied."""
        self._bids = bids = self._measured(book.bids, self._bids)
        self._asks = asks = self._measured(book.asks, self._asks)
        row, self.before = measure(
            self._venue, self._symbol, event_time, recv_us, update_id, bids, asks, self._depth, self.before, flags
        )
        self._last = row
        self.batch.processed.append(_encode(row))

    def _measured(self, side: BookSide, last: SideMetrics | None) -> SideMetrics:
        """A side's metrics, taken anew only where the side has changed: most frames touch one side."""
        top = side.top(self._reach)
        return last if last is not None and last.top is top else side_metrics(top, self._weights)

    def status(
        self,
        state: State,
        reason: str,
        event_time: int,
        conn: str | None = None,
        expected: int | None = None,
        actual: int | None = None,
    ) -> bytes:
        """Say a change of the book's state; the line is returned as well."""
        line = _encode(Status(self._venue, self._symbol, event_time, state, reason, conn, expected, actual))
        self.batch.statuses.append(line)
        return line

    def resync(self, conn: str | None, reason: str, since: int) -> None:
        """Ask for a snapshot."""
        self.batch.counts.resyncs += 1
        self.batch.resyncs.append(_encode(Resync(self._venue, self._symbol, conn, reason, since)))

    def trade(self, recv_us: int, trade_id: str, event_time: int, price: float, size: float, buy: bool) -> None:
        """One trade; `buy` when the aggressor bought."""
        side: Side = "buy" if buy else "sell"
        self.batch.counts.trades += 1
        self.batch.trades.append(
            _encode(Trade(self._venue, self._symbol, event_time, recv_us, trade_id, price, size, side))
        )

    def take(self) -> Batch:
        """The finished batch; the next line starts another."""
        batch, self.batch = self.batch, Batch()
        batch.counts.applied = len(batch.processed)
        last, self._last = self._last, None
        if last is not None and self._bids is not None and self._asks is not None:
            sides = [side.top.levels()[: self._levels] for side in (self._bids, self._asks)]
            when = (last.event_time, last.recv_us, last.update_id)
            batch.book = _encode(TopOfBook(self._venue, self._symbol, *when, *sides))
        return batch
