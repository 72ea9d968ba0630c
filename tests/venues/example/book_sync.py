"""Book synchronisation of Example: snapshots in the stream, updates that count up by one."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from core.envelope import InvalidRecord, TypedEnvelope, check_event_time
from core.records import Envelope
from market.orderbook.book import Book
from market.orderbook.book_config import BookConfig
from market.orderbook.book_sync import Connections, FrameHandler, PendingUpdates
from market.orderbook.feed_types import APPLY, GAP, SKIP, ChannelKind
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import MICROS, RESET_AFTER_MS, Origin, SyncState
from tests.venues.example import messages
from tests.venues.example.messages import BookFrame
from tests.venues.example.sequencing import next_step


class ExampleBookState(Struct, array_like=True):
    """The part that a restart restores. `applied_id`, `event_ms`: `seq` and time of the newest update in the book."""

    applied_id: int = 0
    connections: Connections = field(default_factory=Connections)
    event_ms: int = 0


class ExampleBookSync:
    """Installs snapshots and applies the updates that follow them."""

    pending_type: Any = None

    def __init__(self, symbol: str, sync: SyncState, writer: RecordWriter, config: BookConfig) -> None:
        self._symbol = symbol
        self._sync = sync
        self._writer = writer
        self._quiet_us = int(config.quiet_s * MICROS)
        self._book = Book()
        self.state = ExampleBookState()
        self.books: tuple[Book, ...] = (self._book,)
        self.pending = PendingUpdates()
        self.channel_kind = messages.channel_kind
        self.decode_book = messages.decode_book
        self.handlers: Mapping[ChannelKind, FrameHandler] = {ChannelKind.BOOK: self.on_message}

    def parse(self, kind: ChannelKind, frame: bytes) -> Any:
        """Event in one frame."""
        return messages.parse(kind, frame, self._symbol)

    def on_message(self, envelope: TypedEnvelope[BookFrame]) -> None:
        """Process a snapshot or an update."""
        data = envelope.frame
        if data.symbol != self._symbol:
            raise InvalidRecord(f"expected symbol {self._symbol}, got {data.symbol}")
        check_event_time(data.ts, envelope.recv_us)
        self.state.connections.record_update(envelope)
        if data.type == "snapshot":
            self._install(envelope)
        elif self._sync.synced:
            self._advance(envelope)
        else:
            self._writer.counts.skipped += 1
            self._sync.request_snapshot(envelope, "no book")

    def _install(self, envelope: TypedEnvelope[BookFrame]) -> None:
        """Replace the book, unless the snapshot is older: its `seq` is lower, and its time is not later."""
        data = envelope.frame
        if self._sync.synced and data.seq < self.state.applied_id:
            if not self._is_later(data):
                self._writer.counts.skipped += 1
                return
            self._sync.mark_gap(envelope, data.ts, "sequence_reset", request=False)
        self._writer.counts.snapshots += 1
        self._writer.restart_order_flow()
        self._book.replace(data.bids, data.asks)
        if not self._sync.synced:
            self._sync.mark_synced(envelope, data.ts)
        self._publish(envelope)

    def _advance(self, envelope: TypedEnvelope[BookFrame]) -> None:
        data, applied_id = envelope.frame, self.state.applied_id
        step = next_step(applied_id, data.seq)
        restarted = step is SKIP and self._is_later(data)
        if step is APPLY:
            self._book.apply(data.bids, data.asks)
            self._publish(envelope)
        elif step is GAP or restarted:
            reason = "sequence_reset" if restarted else "sequence"
            self._sync.mark_gap(envelope, data.ts, reason, expected=applied_id + 1, actual=data.seq)
            self._book.clear()
        else:
            self._writer.counts.skipped += 1

    def _is_later(self, data: BookFrame) -> bool:
        """True if an old `seq` proves that the ids restarted: a copy from another connection is never this late."""
        return data.ts > self.state.event_ms + RESET_AFTER_MS

    def _publish(self, envelope: TypedEnvelope[BookFrame]) -> None:
        """Publish the book, or drop it if it is crossed."""
        data = envelope.frame
        if self._book.crossed():
            self._writer.counts.crossed += 1
            self._sync.mark_gap(envelope, data.ts, "crossed")
            self._book.clear()
            return
        self.state.applied_id, self.state.event_ms = data.seq, data.ts
        if self._sync.state.stale:
            self._sync.mark_fresh(envelope, data.ts)
        self._writer.publish(self._book, data.seq, data.ts, envelope.recv_us)

    def on_connection_event(self, envelope: Envelope) -> None:
        """Mark the book stale when the last connection that brought updates is gone."""
        if envelope.event == "disconnected":
            if self.state.connections.disconnect(envelope.conn, envelope.recv_us, self._quiet_us):
                self._sync.mark_stale(envelope.recv_us // 1000, "disconnected", envelope.conn)

    def on_ignored_frame(self, origin: Origin) -> None:
        """Do nothing: `seq` counts book messages."""

    def on_rejected_frame(self, origin: Origin) -> None:
        """Do nothing: the next `seq` shows whether an update is missing."""
