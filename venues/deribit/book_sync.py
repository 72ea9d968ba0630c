"""Book synchronisation of Deribit: snapshots in the stream, changes that name their predecessor.

Ids prove the chain on their own, on any connection; a hole in the envelope's `seq` proves no loss. Of several
connections one is followed. A change that does not chain is a gap only there: on another connection it may be early.
Another connection is followed when the followed one disconnects, or sends nothing while the other one does, or is late:
then a change that does not chain on the other one is a gap. Ids that begin anew end the chain (`sequence_reset`): an
old `change_id` with a much later time, three changes that follow one another with old ids and later times, or a later
snapshot with a lower id.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from core.envelope import InvalidRecord, TypedEnvelope, check_event_time
from core.records import Envelope
from market.orderbook.book import Book
from market.orderbook.book_config import BookConfig
from market.orderbook.book_side import to_levels
from market.orderbook.book_sync import Connections, FrameHandler, PendingUpdates
from market.orderbook.feed_types import APPLY, GAP, SKIP, ChannelKind
from market.orderbook.lag_probe import LagProbe
from market.orderbook.partial_book import NO_CHAIN, PartialMessage, PartialState, apply_partial
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import MICROS, RESET_AFTER_MS, Origin, Phase, SyncState
from venues.deribit import messages
from venues.deribit.messages import BookData, BookFrame
from venues.deribit.sequencing import changes_levels, is_snapshot, next_step


class DeribitBookState(Struct, array_like=True):
    """`applied_id`: newest change in the book. `followed`: connection on which a change that does not chain is a gap.

    `event_ms`: time of the newest change. `partial`: of a book made of partial messages alone. `ahead_us`: receive time
    since which another connection has been ahead of the book; 0 if none is.
    """

    applied_id: int = 0
    followed: str | None = None
    connections: Connections = field(default_factory=Connections)
    event_ms: int = 0
    partial: PartialState = field(default_factory=PartialState)
    ahead_us: int = 0
    probe: LagProbe = field(default_factory=LagProbe)


class DeribitBookSync:
    """Installs snapshots and follows the chain of changes."""

    pending_type: Any = None

    def __init__(self, symbol: str, sync: SyncState, writer: RecordWriter, config: BookConfig) -> None:
        self._symbol = symbol
        self._sync = sync
        self._writer = writer
        self._silence_us = int(config.silence_s * MICROS)
        self._quiet_us = int(config.quiet_s * MICROS)
        self._book = Book()
        self.state = DeribitBookState()
        self.books: tuple[Book, ...] = (self._book,)
        self.pending = PendingUpdates()
        self.channel_kind = messages.channel_kind
        self.decode_book = messages.decode_book
        self.handlers: Mapping[ChannelKind, FrameHandler] = {
            ChannelKind.BOOK: self.on_message,
            ChannelKind.PARTIAL: self.on_partial,
        }

    def parse(self, kind: ChannelKind, frame: bytes) -> Any:
        """Event in one frame."""
        return messages.parse(kind, frame, self._symbol)

    def on_message(self, envelope: TypedEnvelope[BookFrame]) -> None:
        """Process a snapshot or a change."""
        data = envelope.frame.params.data
        if data.instrument_name != self._symbol:
            raise InvalidRecord(f"expected symbol {self._symbol}, got {data.instrument_name}")
        previous = data.prev_change_id
        if previous and previous >= data.change_id and data.type == "change":
            raise InvalidRecord(f"expected prev_change_id below change_id {data.change_id}, got {previous}")
        if not previous and data.type == "change" and changes_levels(data):
            raise InvalidRecord("expected prev_change_id on a change of levels that exist, got none")
        check_event_time(data.timestamp, envelope.recv_us)
        is_followed = self.state.followed == envelope.conn or self._follow_if_silent(envelope)
        self.state.connections.record_update(envelope)
        if is_snapshot(data):
            self._replace(envelope, data)
        elif self._sync.synced:
            self._advance(envelope, data, is_followed)
        else:
            self._writer.counts.skipped += 1
            self._sync.request_snapshot(envelope, "no book")

    def on_partial(self, envelope: TypedEnvelope[PartialMessage]) -> None:
        """Publish a partial book, unless the symbol has a complete one from changes."""
        message, state = envelope.frame, self.state
        check_event_time(message.event_ms, envelope.recv_us)
        state.connections.record_update(envelope)
        if apply_partial(message, state.partial, self._book, self._sync, self._writer, envelope):
            state.applied_id, state.event_ms = NO_CHAIN, 0

    def _follow_if_silent(self, origin: Origin) -> bool:
        """Follow this connection if the followed one has been silent for `silence_s`; True if it was."""
        state = self.state
        last = state.connections.last_update_us.get(state.followed or "")
        if last is None or origin.recv_us - last > self._silence_us:
            state.followed = origin.conn
            return True
        return False

    def _advance(self, envelope: TypedEnvelope[BookFrame], data: BookData, is_followed: bool) -> None:
        state = self.state
        step = next_step(state.applied_id, data)
        if step is not GAP and state.ahead_us and not is_followed:
            state.ahead_us = state.probe.at_us = 0
        if step is APPLY:
            if self._book.apply_actions(data.bids, data.asks):
                self._writer.counts.surprises += 1
            self._publish(envelope, data)
            return
        begins_anew = step is SKIP and self._begins_anew(data)
        is_gap = step is GAP and data.timestamp + RESET_AFTER_MS >= state.event_ms
        if is_gap and not is_followed:
            is_gap = self._is_left_behind(envelope, data)
        if begins_anew or is_gap:
            reason = "sequence_reset" if begins_anew else "sequence"
            ids = state.applied_id, data.prev_change_id
            state.followed, state.ahead_us, state.probe.at_us = envelope.conn, 0, 0
            self._sync.mark_gap(envelope, data.timestamp, reason, Phase.EMPTY, *ids)
            self._book.clear()
        else:
            self._writer.counts.skipped += 1

    def _is_left_behind(self, origin: Origin, data: BookData) -> bool:
        """True if the book, on the followed connection, has been late behind another one for `silence_s`."""
        state = self.state
        in_time = state.probe.arrived_in_time(origin.recv_us, data.timestamp, state.event_ms)
        if in_time or not state.ahead_us:
            state.ahead_us = origin.recv_us
        return origin.recv_us - state.ahead_us > self._silence_us

    def _begins_anew(self, data: BookData) -> bool:
        """True for an old change that proves that the ids began anew."""
        later_ms = data.timestamp - self.state.event_ms if self.state.event_ms else 0
        in_run = data.change_id != self.state.applied_id
        return self._sync.begins_anew(data.prev_change_id or 0, data.change_id, later_ms, in_run)

    def _is_new_book(self, envelope: TypedEnvelope[BookFrame], data: BookData) -> bool:
        """True for a snapshot with a lower id that answers a request, or is later than the book.

        On another connection than the newest change it must be later by more than the copies of changes may be.
        """
        sync, at = self._sync, self.state.event_ms
        if sync.is_answered(envelope, at):
            return True
        margin = 0 if sync.state.stale or sync.applied.conn == envelope.conn else RESET_AFTER_MS
        return 0 < at < data.timestamp - margin

    def _replace(self, envelope: TypedEnvelope[BookFrame], data: BookData) -> None:
        counts = self._writer.counts
        if self._sync.synced and data.change_id <= self.state.applied_id:
            if data.change_id == self.state.applied_id:
                self._sync.mark_fresh(envelope, data.timestamp)
            elif self._is_new_book(envelope, data):
                ids = self.state.applied_id, data.change_id
                self._sync.mark_gap(envelope, data.timestamp, "sequence_reset", Phase.EMPTY, *ids, request=False)
            if self._sync.synced:
                counts.skipped += 1
                return
        counts.snapshots += 1
        self.state.partial.active = False
        self._writer.restart_order_flow()
        self._book.replace(to_levels(data.bids), to_levels(data.asks))
        self.state.followed = envelope.conn
        self._publish(envelope, data)

    def _publish(self, envelope: TypedEnvelope[BookFrame], data: BookData) -> None:
        """Publish the book, or drop it if it is crossed."""
        sync = self._sync
        if self._book.crossed():
            self._writer.counts.crossed += 1
            sync.mark_gap(envelope, data.timestamp, "crossed")
            self._book.clear()
            return
        if not sync.synced:
            sync.mark_synced(envelope, data.timestamp)
        self.state.applied_id, self.state.event_ms = data.change_id, data.timestamp
        if sync.state.stale:
            sync.mark_fresh(envelope, data.timestamp)
        self._writer.publish(self._book, data.change_id, data.timestamp, envelope.recv_us)

    def on_connection_event(self, envelope: Envelope) -> None:
        """Mark the book stale when the last connection that brought changes is gone."""
        if envelope.event != "disconnected":
            return
        if self.state.followed == envelope.conn:
            self.state.followed = None
        if self.state.connections.disconnect(envelope.conn, envelope.recv_us, self._quiet_us):
            self._sync.mark_stale(envelope.recv_us // 1000, "disconnected", envelope.conn)

    def on_ignored_frame(self, origin: Origin) -> None:
        """Do nothing: ids number the changes, not the frames."""

    def on_rejected_frame(self, origin: Origin) -> None:
        """Do nothing: the next id shows whether a change is missing."""
