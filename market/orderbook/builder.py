"""Builder of one key's book and trades: takes raw envelopes and returns processed records.

Output depends on the values only: not on how they are cut into batches, on a restore between two batches, or on a wall
clock. `apply_all` raises no exception, whatever the bytes.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET

from core.envelope import (
    DECODE_ERRORS,
    MAX_VALUE_BYTES,
    InvalidRecord,
    TypedEnvelope,
    check_event_time,
    frame_bytes,
    read_envelope,
)
from core.records import Envelope
from market.journal_entries import Append, Replace
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.book_sync import OpenBookSync
from market.orderbook.feed_types import ChannelKind, VenueTrade
from market.orderbook.journal import Journal, encode
from market.orderbook.metrics import Touch
from market.orderbook.quiet_clock import LONGEST_STEP_MS, QuietClocks
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import Phase, SavedSyncState, SyncState
from market.orderbook.trade_dedup import TradeDeduplicator
from market.reject_all import Reject

_BOOK = ChannelKind.BOOK
EMPTY_BYTES = 8_192  # memory of a builder without levels and its newest trades
PENDING_BYTES = 8_192  # memory of an update that waits for a snapshot, of about fifty levels


@cache
def _header_decoder(state_type: type) -> "msgspec.msgpack.Decoder[Any]":
    """Decoder of the journal's header for the state of one venue's rule."""
    header: Any = tuple[SavedSyncState, state_type, Touch | None, TradeDeduplicator]  # type: ignore[valid-type]
    return msgspec.msgpack.Decoder(header)


class BookBuilder:
    """State of one `venue:symbol`. `open_book_sync` makes the venue's rule that keeps the book in sync."""

    def __init__(self, venue: str, symbol: str, config: BookConfig, open_book_sync: OpenBookSync) -> None:
        self._venue = venue
        self._symbol = symbol
        self._writer = RecordWriter(venue, symbol, config)
        self._sync = SyncState(self._writer, config)
        self._book_sync = open_book_sync(symbol, self._sync, self._writer, config)
        self._trades = TradeDeduplicator()
        self._trades_in_order = config.trades_in_order
        self._journal = Journal()
        self._decode_book = self._book_sync.decode_book
        self._channel_kind = self._book_sync.channel_kind
        self._handle_book = self._book_sync.handlers[ChannelKind.BOOK]

    @classmethod
    def restore(
        cls, venue: str, symbol: str, config: BookConfig, open_book_sync: OpenBookSync, entries: Iterable[bytes]
    ) -> "BookBuilder":
        """Restore a builder from the entries that its `journal` returned, in order.

        Raises `UnknownVersion` for entries in another format.
        """
        builder = cls(venue, symbol, config, open_book_sync)
        book_sync = builder._book_sync
        writer = builder._writer
        header = builder._journal.read(
            entries, book_sync.books, book_sync.pending, book_sync.pending_type, writer.ticks, writer.trade_ticks
        )
        if header is not None:
            state_type: Any = type(book_sync.state)
            decode = _header_decoder(state_type).decode
            sync, book_sync.state, writer.previous_touch, builder._trades = decode(header)
            builder._sync.restore(sync)
        return builder

    @property
    def synced(self) -> bool:
        """True while the book is in sync with its stream."""
        return self._sync.synced

    @property
    def state(self) -> str:
        """`in sync`, `stale`, `out of sync` or `untrusted`."""
        if self._sync.state.phase is Phase.UNTRUSTED:
            return "untrusted"
        if not self._sync.synced:
            return "out of sync"
        return "stale" if self._sync.state.stale else "in sync"

    @property
    def ids_in_doubt(self) -> bool:
        """True if updates with old ids and later times arrived since the last one: the ids may have begun anew."""
        return self._sync.ids_in_doubt

    @property
    def applied_us(self) -> int:
        """Receive time of the last update that was applied, or of a snapshot that confirmed the book; 0 if none was."""
        return self._sync.applied.applied_us

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        levels = sum(book.bids.memory_bytes + book.asks.memory_bytes for book in self._book_sync.books)
        ticks = self._writer.ticks.memory_bytes + self._writer.trade_ticks.memory_bytes
        return EMPTY_BYTES + levels + ticks + len(self._book_sync.pending.frames) * PENDING_BYTES

    def apply_all(self, values: Sequence[bytes | None]) -> Batch:
        """Apply values in order, and return their records. The index of a reject refers to `values`."""
        rejects = self._writer.batch.rejects
        for index, value in enumerate(values):
            try:
                self.apply(value)
            except InvalidRecord as error:
                rejects.append(Reject(index, str(error), error.where))
        batch = self._writer.finish_batch()
        batch.counts.frames = len(values)
        batch.counts.rejected = len(batch.rejects)
        return batch

    def apply(self, value: bytes | None) -> None:
        """Apply one value. Raises `InvalidRecord`; the book is then unchanged, or its loss has been published."""
        if value is None:
            raise InvalidRecord("expected an envelope, got a null value", "envelope")
        try:
            envelope = self._decode_book(value)
        except DECODE_ERRORS:
            self._apply_checked(value)
            return
        if (
            self._channel_kind(envelope.channel) is _BOOK
            and envelope.symbol == self._symbol
            and envelope.venue == self._venue
            and envelope.event is UNSET
            and envelope.frame_text is UNSET
            and value.isascii()
            and len(value) <= MAX_VALUE_BYTES
        ):
            try:
                self._handle_book(envelope)
            except InvalidRecord:
                self._book_sync.on_rejected_frame(envelope)
                self._after(envelope)
                raise
            sync, writer = self._sync, self._writer
            if writer.published:  # `_after`, without a call for each frame that is applied
                writer.published = False
                applied = sync.applied
                applied.applied_us, applied.conn = envelope.recv_us, envelope.conn
            else:
                sync.note_unapplied(envelope)
            if sync.state.request_open:
                sync.retry_request(envelope)
        else:
            self._apply_checked(value)

    def _apply_checked(self, value: bytes) -> None:
        """Apply any value but a well-formed book frame: slower, with a reason for every error."""
        envelope = read_envelope(value, self._venue, self._symbol)
        kind = self._channel_kind(envelope.channel)
        try:
            self._dispatch(envelope, kind)
        except DECODE_ERRORS as error:
            raise InvalidRecord(f"expected a frame of {envelope.channel}: {error}") from None
        finally:
            if kind is ChannelKind.TRADES and not self._trades_in_order:
                self._sync.note_unordered(envelope)
            else:
                self._after(envelope)

    def _after(self, envelope: Envelope | TypedEnvelope[Any]) -> None:
        """Follow the time without an applied update, and repeat an open request."""
        sync, writer = self._sync, self._writer
        if writer.published:
            writer.published = False
            sync.applied.applied_us, sync.applied.conn = envelope.recv_us, envelope.conn
        else:
            sync.note_unapplied(envelope, request=envelope.event is UNSET)
        if sync.state.request_open:
            sync.retry_request(envelope)

    def _dispatch(self, envelope: Envelope, kind: ChannelKind | None) -> None:
        counts = self._writer.counts
        if envelope.event is not UNSET:
            counts.events += 1
            self._book_sync.on_connection_event(envelope)
        elif kind is None:
            raise InvalidRecord(f"expected a channel of {self._venue}, got {envelope.channel!r}", "envelope")
        elif kind is ChannelKind.IGNORED:
            counts.ignored += 1
        elif kind is ChannelKind.BOOK:
            self._apply_book_frame(envelope)
        else:
            self._apply_frame(envelope, kind)

    def _apply_book_frame(self, envelope: Envelope) -> None:
        try:
            self._apply_frame(envelope, ChannelKind.BOOK)
        except (InvalidRecord, *DECODE_ERRORS):
            self._book_sync.on_rejected_frame(envelope)
            raise

    def _apply_frame(self, envelope: Envelope, kind: ChannelKind) -> None:
        event = self._book_sync.parse(kind, frame_bytes(envelope))
        if event is None:
            self._writer.counts.ignored += 1
            if kind is ChannelKind.BOOK:
                self._book_sync.on_ignored_frame(envelope)
        elif kind is ChannelKind.TRADES:
            self._apply_trades(envelope.recv_us, event)
        else:
            self._book_sync.handlers[kind](TypedEnvelope.from_envelope(envelope, event))

    def _apply_trades(self, recv_us: int, found: list[VenueTrade | None]) -> None:
        """Publish the trades of one frame; None in place of one that was not traded in the book."""
        trades = [trade for trade in found if trade is not None]
        self._writer.counts.off_book_trades += len(found) - len(trades)
        for trade in trades:
            check_event_time(trade.event_time, recv_us)
        for trade in trades:
            if self._trades.add_if_new(trade.stream, trade.number, trade.event_time):
                self._writer.trade(recv_us, *trade[2:])
            elif self._trades.begins_epoch(trade.stream, trade.number, trade.event_time):
                self._writer.counts.trade_epochs += 1
                self._writer.trade(recv_us, *trade[2:])
            else:
                self._writer.counts.repeated_trades += 1

    @property
    def needs_timer(self) -> bool:
        """True while `poll` may publish something."""
        return self._writer.ticks.needs_timer or self._writer.trade_ticks.needs_timer

    def poll(self, now_ms: int, clocks: QuietClocks) -> Batch:
        """Publish the ticks, windows and bars that are due at a timer's time. Call `journal` afterwards.

        They have the content that later records would give them. `clocks`: those of this key, kept by the caller.
        """
        self._writer.ticks.poll(now_ms, clocks.book)
        self._writer.trade_ticks.poll(now_ms, clocks.trades)
        return self._writer.finish_batch()

    def due_in_ms(self, clocks: QuietClocks) -> int:
        """Time after the last `poll` until the next has something to publish if no record comes, at most a second."""
        ticks, trades = self._writer.ticks, self._writer.trade_ticks
        due_ms = ticks.due_in_ms(clocks.book) if ticks.needs_timer else LONGEST_STEP_MS
        return min(due_ms, trades.due_in_ms(clocks.trades) if trades.needs_timer else due_ms, LONGEST_STEP_MS)

    def poll_batch(self, now_ms: int, clocks: QuietClocks) -> Batch | None:
        """Publish the trade tick that is due at the time of a batch (epoch ms); None without one.

        Call `journal` afterwards.
        """
        return self._writer.finish_batch() if self._writer.trade_ticks.poll_batch(now_ms, clocks.trades) else None

    def mark_stale(self, now_ms: int) -> Batch | None:
        """Publish `stale` after a period without an applied update, once per period; None otherwise.

        `now_ms`: the timer's time; the status has that of the book's clock. Call `journal` afterwards.
        """
        line = self._sync.mark_silent(self._writer.ticks.stale_at(now_ms))
        batch = self._writer.finish_batch()
        return batch if line is not None else None

    def journal(self) -> Append | Replace | None:
        """Return the journal entry for the batches since the last call; None if nothing changed."""
        book_sync, writer = self._book_sync, self._writer
        header = encode((self._sync.state, book_sync.state, writer.previous_touch, self._trades))
        return self._journal.write(header, book_sync.books, book_sync.pending, writer.ticks, writer.trade_ticks)
