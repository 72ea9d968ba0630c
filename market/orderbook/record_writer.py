"""Encoding of the records of one key: metrics, statuses, snapshot requests, trades and the top of the book."""

from collections.abc import Sequence

import msgspec

from core.records import BookState, Processed, Resync, Status, TakerSide, TopOfBook, Trade
from market.orderbook.book import Book
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.book_ticks import BookTicks
from market.orderbook.metrics import SideMetrics, Touch, measure, side_metrics
from market.orderbook.tick_state import StateChange
from market.orderbook.trade_ticks import TradeTicks

_encode = msgspec.json.Encoder().encode


class RecordWriter:
    """Collects the records of one key's current batch.

    `counts`: counters of that batch. Callers increment them in place: a method call would cost three times as much.
    `published`: a record was added; the builder clears it with every envelope.
    `publishes_unknown_range`: the levels of the last record reach beyond those that a truncated snapshot covered.
    `ticks`, `trade_ticks`: open ticks of the book and its trades, closed when a batch is finished.
    `previous_touch`: the touch of the last published book, with which order flow compares; None after a restart.
    """

    __slots__ = (
        "_asks",
        "_bids",
        "_depth",
        "_last",
        "_levels",
        "_rows",
        "_states",
        "_symbol",
        "_trades",
        "_venue",
        "batch",
        "counts",
        "publishes_unknown_range",
        "previous_touch",
        "published",
        "ticks",
        "trade_ticks",
    )

    def __init__(self, venue: str, symbol: str, config: BookConfig) -> None:
        self._venue = venue
        self._symbol = symbol
        self._depth = config.depth
        self._levels = config.levels
        self._bids: SideMetrics | None = None
        self._asks: SideMetrics | None = None
        self._rows: list[Processed] = []  # records of the batch, for ticks
        self._states: list[StateChange] = []
        self._trades: list[Trade] = []
        self.ticks = BookTicks(venue, symbol, config.stale_after_s)
        self.trade_ticks = TradeTicks(venue, symbol, config.stale_after_s)
        self.previous_touch: Touch | None = None
        self.published = False
        self.publishes_unknown_range = False
        self.batch = Batch()
        self.counts = self.batch.counts

    def restart_order_flow(self) -> None:
        """Compare the next published book with nothing: its order flow is null."""
        self.previous_touch = None

    def publish(self, book: Book, update_id: int, event_time: int, recv_us: int, flags: Sequence[str] = ()) -> None:
        """Add the metrics record of an update that was applied."""
        self._bids = bids = book.bids.summary or side_metrics(book.bids, self._depth, self._levels)
        self._asks = asks = book.asks.summary or side_metrics(book.asks, self._depth, self._levels)
        row, self.previous_touch = measure(
            self._venue,
            self._symbol,
            event_time,
            recv_us,
            update_id,
            bids,
            asks,
            self._depth,
            self.previous_touch,
            flags,
        )
        self._rows.append(row)
        self.published = True
        self.publishes_unknown_range = bids.published_beyond or asks.published_beyond
        self.batch.processed.append(_encode(row))

    def status(
        self,
        state: BookState,
        reason: str,
        event_time: int,
        conn: str | None = None,
        expected: int | None = None,
        actual: int | None = None,
    ) -> bytes:
        """Add a change of the book's state, and return the record."""
        line = _encode(Status(self._venue, self._symbol, event_time, state, reason, conn, expected, actual))
        self.batch.statuses.append(line)
        self._states.append(StateChange(len(self._rows), state, reason, event_time))
        return line

    def resync(self, conn: str | None, reason: str, since: int) -> None:
        """Add a request for a snapshot."""
        self.counts.resyncs += 1
        self.batch.resyncs.append(_encode(Resync(self._venue, self._symbol, conn, reason, since)))

    def trade(self, recv_us: int, trade_id: str, event_time: int, price: float, size: float, buy: bool) -> None:
        """Add one trade. `buy`: the taker bought."""
        side: TakerSide = "buy" if buy else "sell"
        self.counts.trades += 1
        trade = Trade(self._venue, self._symbol, event_time, recv_us, trade_id, price, size, side)
        self._trades.append(trade)
        self.batch.trades.append(_encode(trade))

    def finish_batch(self) -> Batch:
        """Return the finished batch and start the next one."""
        batch, self.batch = self.batch, Batch()
        self.counts = self.batch.counts
        batch.counts.applied = len(batch.processed)
        rows, states, trades = self._rows, self._states, self._trades
        if rows and self._bids is not None and self._asks is not None:
            last = rows[-1]
            sides = [side.published(self._levels) for side in (self._bids, self._asks)]
            time_and_id = (last.event_time, last.recv_us, last.update_id)
            batch.book = _encode(TopOfBook(self._venue, self._symbol, *time_and_id, *sides))
        if rows or states:
            self.ticks.apply(rows, states)
            self._rows, self._states = [], []
        if trades:
            self.trade_ticks.apply(trades)
            self._trades = []
        self._take_ticks(batch)
        return batch

    def _take_ticks(self, batch: Batch) -> None:
        """Move the published ticks, windows and bars to a batch."""
        book, trades = self.ticks, self.trade_ticks
        if book.lines or book.windows.lines or trades.lines or trades.bar_lines:
            batch.ticks, batch.trade_ticks = book.lines, trades.lines
            batch.windows, batch.bars = book.windows.lines, trades.bar_lines
            book.lines, book.windows.lines, trades.lines, trades.bar_lines = [], [], [], []
