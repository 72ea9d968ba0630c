"""Book synchronisation of Binance spot and USD-M: REST snapshots, bridged to the stream by update ids.

The update ids alone prove that no update is missing. The first copy of an update is applied; copies from other
connections are skipped. A reconnect needs no snapshot, and a hole in the envelope's `seq` is no gap. Ids have restarted
(`sequence_reset`) if an old id has a much later event time, if three updates that follow one another have old ids and
later times, or if a newer snapshot has a lower id.

Sizes at prices beyond a snapshot's last level are unknown. A new snapshot is requested (`known range`) before the
published levels leave the covered range. Updates are buffered meanwhile, and applied to the snapshot up to the
book's own id.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from core.envelope import InvalidRecord, TypedEnvelope, check_event_time
from core.records import Envelope
from market.orderbook.book import Book
from market.orderbook.book_config import BookConfig
from market.orderbook.book_sync import Connections, FrameHandler, PendingUpdates
from market.orderbook.feed_types import APPLY, GAP, SKIP, ChannelKind, SequenceResult
from market.orderbook.partial_book import NO_CHAIN, PartialMessage, PartialState, apply_partial
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import MICROS, RESET_AFTER_MS, Origin, Phase, SyncState
from venues.binance import messages
from venues.binance.constants import DEPTH_LIMITS, MICROSECONDS_FROM
from venues.binance.held_updates import HeldIds
from venues.binance.messages import DepthFrame, DepthSnapshot, DepthUpdate, event_time
from venues.binance.sequencing import SequenceRule


class BinanceBookState(Struct, array_like=True):
    """`applied_id`: last update id in the book. `awaiting_bridge`: no update has bridged to the installed snapshot yet.

    `event_ms`: time of the last update or snapshot in the book; 0 where none is known. `refreshed_us`: receive time of
    the last request for a snapshot of a wider range. `partial`: of a book made of partial depth alone.
    """

    applied_id: int = 0
    awaiting_bridge: bool = False
    connections: Connections = field(default_factory=Connections)
    event_ms: int = 0
    held: HeldIds = field(default_factory=HeldIds)
    refreshed_us: int = 0
    partial: PartialState = field(default_factory=PartialState)


class BinanceBookSync:
    """Buffers updates until a snapshot bridges to them, then follows the chain of ids."""

    pending_type: Any = TypedEnvelope[DepthFrame]

    def __init__(
        self, symbol: str, rule: SequenceRule, sync: SyncState, writer: RecordWriter, config: BookConfig
    ) -> None:
        self._symbol = symbol
        self._rule = rule
        self._check_ids, self._step, self._bridge_step = rule.check_ids, rule.step, rule.bridge
        self._sync = sync
        self._writer = writer
        self._config = config
        self._book = Book()
        self.state = BinanceBookState()
        self.books: tuple[Book, ...] = (self._book,)
        self.pending = PendingUpdates()
        self.channel_kind = messages.channel_kind
        self.decode_book = messages.decode_book
        self.handlers: Mapping[ChannelKind, FrameHandler] = {
            ChannelKind.BOOK: self.on_update,
            ChannelKind.SNAPSHOT: self.on_snapshot,
            ChannelKind.PARTIAL: self.on_partial,
        }

    def parse(self, kind: ChannelKind, frame: bytes) -> Any:
        """Event in one frame."""
        return messages.parse(kind, frame, self._symbol)

    def on_update(self, envelope: TypedEnvelope[DepthFrame]) -> None:
        """Process one update. Updates with contradicting ids or an impossible time are rejected in every phase."""
        update = envelope.frame.data
        if update.symbol != self._symbol:
            raise InvalidRecord(f"expected symbol {self._symbol}, got {update.symbol}")
        self._check_ids(update)
        if update.sent_ms >= MICROSECONDS_FROM:
            messages.to_milliseconds(update)
        check_event_time(update.matched_ms or update.sent_ms, envelope.recv_us)
        self.state.connections.record_update(envelope)
        self._advance(envelope)

    def _advance(self, envelope: TypedEnvelope[DepthFrame]) -> None:
        update, state = envelope.frame.data, self.state
        if not self._sync.synced and not state.awaiting_bridge:
            self._buffer(envelope)
            return
        step = (self._bridge_step if state.awaiting_bridge else self._step)(state.applied_id, update)
        if step is APPLY:
            self._apply(envelope, update)
        else:
            self._refuse(envelope, update, step)

    def _refuse(self, envelope: TypedEnvelope[DepthFrame], update: DepthUpdate, step: SequenceResult) -> None:
        """Process an update that is old or leaves a gap. Its time shows the epoch of its ids."""
        state, at = self.state, event_time(update)
        later_ms = at - state.event_ms if state.event_ms else 0
        previous_id = update.previous_id or update.first_id - 1
        in_run = self._sync.synced and update.last_id != state.applied_id
        begins_anew = step is SKIP and self._sync.begins_anew(previous_id, update.last_id, later_ms, in_run)
        if begins_anew or (step is GAP and at + RESET_AFTER_MS >= state.event_ms):
            reason = "sequence_reset" if begins_anew else "sequence"
            self._drop_book(envelope, reason, *self._rule.gap_ids(state.applied_id, update))
        else:
            self._writer.counts.skipped += 1

    def _apply(self, envelope: TypedEnvelope[DepthFrame], update: DepthUpdate) -> None:
        state, book, sync = self.state, self._book, self._sync
        at = update.matched_ms or update.sent_ms
        book.apply(update.bids, update.asks)
        if book.crossed():
            self._writer.counts.crossed += 1
            self._drop_book(envelope, "crossed")
            return
        if state.awaiting_bridge:
            self._bridge(envelope, update, at)
        state.applied_id, state.event_ms = update.last_id, at
        if sync.state.stale:
            sync.mark_fresh(envelope, at)
        writer = self._writer
        writer.publish(book, update.last_id, at, envelope.recv_us)
        if writer.publishes_unknown_range or self.pending.frames:
            self._refresh_range(envelope)

    def _refresh_range(self, envelope: TypedEnvelope[DepthFrame]) -> None:
        """Request a snapshot of a wider range, at most once in `resync_max_s`, and buffer updates until it arrives."""
        sync, state, now = self._sync, self.state, envelope.recv_us
        if not sync.state.request_open:
            if self.pending.frames:  # a stale book that resumed closed the request
                self.pending.clear()
            if 0 <= now - state.refreshed_us < self._config.resync_max_s * MICROS:
                return
            state.refreshed_us = now
            sync.request_snapshot(envelope, "known range")
        if self.pending.frames and self._overflows(envelope):
            self.pending.clear()
        self.pending.add(envelope)

    def _bridge(self, envelope: TypedEnvelope[DepthFrame], update: DepthUpdate, at: int) -> None:
        """Process the first update that bridges to the snapshot."""
        if update.first_id > self.state.applied_id + 1:
            self._writer.counts.surprises += 1  # USD-M: the snapshot lies between two updates of the symbol
        self.state.awaiting_bridge = False
        self.state.held.too_old = 0
        if not self._sync.synced:
            self._sync.mark_synced(envelope, at)

    def _drop_book(
        self, envelope: TypedEnvelope[DepthFrame], reason: str, expected: int | None = None, actual: int | None = None
    ) -> None:
        """Drop the book and buffer the update that broke it as the first of the next chain."""
        if self._sync.synced:
            self._sync.mark_gap(envelope, event_time(envelope.frame.data), reason, Phase.BUFFERING, expected, actual)
            self.pending.clear()  # held for a snapshot of a wider range
        self._clear()
        self._buffer(envelope)

    def _clear(self) -> None:
        self._book.clear()
        self.state.awaiting_bridge, self.state.event_ms = False, 0

    def _buffer(self, envelope: TypedEnvelope[DepthFrame]) -> None:
        pending = self.pending
        if pending.frames and self._overflows(envelope):
            pending.clear()
        if self.state.held.admit(pending, envelope.frame.data):
            pending.add(envelope)
            self._writer.counts.held += 1
        else:
            self._writer.counts.skipped += 1
        self._sync.set_phase(Phase.BUFFERING)
        self._sync.request_snapshot(envelope, "no book")

    def _overflows(self, envelope: TypedEnvelope[DepthFrame]) -> bool:
        frames = self.pending.frames
        age_us = envelope.recv_us - frames[0].recv_us
        return len(frames) >= self._config.max_pending or age_us > self._config.max_pending_s * MICROS

    def on_partial(self, envelope: TypedEnvelope[PartialMessage]) -> None:
        """Publish partial depth, unless updates bring the whole book."""
        message, state = envelope.frame, self.state
        check_event_time(message.event_ms, envelope.recv_us)
        state.connections.record_update(envelope)
        if apply_partial(message, state.partial, self._book, self._sync, self._writer, envelope):
            state.applied_id, state.event_ms = NO_CHAIN, 0

    def on_snapshot(self, envelope: TypedEnvelope[DepthSnapshot]) -> None:
        """Install a REST snapshot unless it is older than the book or than the oldest buffered update can bridge."""
        snapshot, state = envelope.frame, self.state
        at = event_time(snapshot)
        check_event_time(at, envelope.recv_us)
        self._writer.counts.snapshots += 1
        if state.applied_id == NO_CHAIN:
            return
        if (self._sync.synced or state.awaiting_bridge) and snapshot.last_id <= state.applied_id:
            if snapshot.last_id == state.applied_id:
                self._sync.mark_fresh(envelope, at or envelope.recv_us // 1000)
            held = self.pending.frames
            if held and held[-1].frame.data.last_id == state.applied_id:
                self._extend_range(envelope, snapshot)
                return
            if snapshot.last_id == state.applied_id or not self._proves_reset(envelope, at):
                return
            if self._sync.synced:
                ids = state.applied_id, snapshot.last_id
                self._sync.mark_gap(
                    envelope, at or envelope.recv_us // 1000, "sequence_reset", Phase.BUFFERING, *ids, request=False
                )
            self._clear()
        elif self._sync.synced and not self._sync.state.stale and self._adds_nothing(snapshot):
            return
        if state.held.make_room(self.pending, self._rule, snapshot, envelope.recv_us):
            self._install(envelope, snapshot)

    def _proves_reset(self, origin: Origin, at: int) -> bool:
        """True for a snapshot with a lower id than the book's that is newer by its time, or answers an open request.

        A request is open on a book in sync only if the book has applied nothing for long.
        """
        book_ms = self.state.event_ms
        return self._sync.is_answered(origin, book_ms) or (0 < book_ms < at - RESET_AFTER_MS)

    def _adds_nothing(self, snapshot: DepthSnapshot) -> bool:
        """True for a snapshot that is shallower than the book and covers no price that the book does not know."""
        return self._book.bids.covers(snapshot.bids) and self._book.asks.covers(snapshot.asks)

    def _extend_range(self, envelope: TypedEnvelope[DepthSnapshot], snapshot: DepthSnapshot) -> None:
        """Replace the levels by those of an older snapshot with the held updates applied to it; the id stays."""
        held = [each.frame.data for each in self.pending.frames]
        later = [update for update in held if self._rule.bridge(snapshot.last_id, update) is not SKIP]
        if later and self._rule.bridge(snapshot.last_id, later[0]) is GAP:
            return  # older than the held updates: the request is repeated
        self.pending.clear()
        self._sync.state.request_open = False
        self._replace_levels(snapshot, keep_beyond=True)
        for update in later:
            self._book.apply(update.bids, update.asks)
        if self._book.crossed():
            self._writer.counts.crossed += 1
            self._drop_crossed(envelope, snapshot)

    def _replace_levels(self, snapshot: DepthSnapshot, keep_beyond: bool) -> None:
        bids, asks = snapshot.bids, snapshot.asks
        for side, levels in ((self._book.bids, bids), (self._book.asks, asks)):
            # An equal number on both sides is a limit too; a side with fewer levels than that is complete.
            if len(levels) in DEPTH_LIMITS or len(bids) == len(asks) >= min(DEPTH_LIMITS):
                side.replace_truncated(levels, keep_beyond)
            else:
                side.replace(levels)

    def _install(self, envelope: TypedEnvelope[DepthSnapshot], snapshot: DepthSnapshot) -> None:
        self._writer.restart_order_flow()
        self._replace_levels(snapshot, keep_beyond=False)  # updates up to its id may not have arrived
        if self._sync.synced and not self._sync.state.stale:
            self._sync.state.request_open = False
        self.state.applied_id, self.state.event_ms = snapshot.last_id, event_time(snapshot)
        self.state.awaiting_bridge = True
        if self._book.crossed():
            self._writer.counts.crossed += 1
            self._drop_crossed(envelope, snapshot)
            return
        if self._rule.synced_at_install:
            at = event_time(snapshot) or envelope.recv_us // 1000
            if not self._sync.synced:
                self._sync.mark_synced(envelope, at)
            elif self._sync.state.stale:
                self._sync.mark_fresh(envelope, at)
        for each in self.pending.clear():
            self._advance(each)

    def _drop_crossed(self, envelope: TypedEnvelope[DepthSnapshot], snapshot: DepthSnapshot) -> None:
        """Drop a snapshot whose own best bid and ask cross."""
        if self._sync.synced:
            self._sync.mark_gap(envelope, event_time(snapshot) or envelope.recv_us // 1000, "crossed")
        self._clear()

    def on_connection_event(self, envelope: Envelope) -> None:
        """Mark the book stale when the last connection that brought updates is gone."""
        if envelope.event == "disconnected":
            quiet_us = int(self._config.quiet_s * MICROS)
            if self.state.connections.disconnect(envelope.conn, envelope.recv_us, quiet_us):
                self._sync.mark_stale(envelope.recv_us // 1000, "disconnected", envelope.conn)

    def on_ignored_frame(self, origin: Origin) -> None:
        """Do nothing: ids number the updates, not the frames."""

    def on_rejected_frame(self, origin: Origin) -> None:
        """Do nothing: the next id shows whether an update is missing."""
