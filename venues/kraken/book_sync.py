"""Book synchronisation of Kraken: a checksum of the best levels, and the envelope's `seq`.

Kraken's messages have no ids and the checksum covers ten levels per side. A hole in a connection's `seq` is therefore a
gap, since nothing else would show the loss; a rejected or dropped book frame is a gap too. One connection is followed.
A second one maintains an unpublished standby book, which replaces the followed one when that one disconnects, breaks,
or is silent or late while the standby receives messages. The updates until then are not published: records may lack
them. Updates that were published before the switch are not published again. A connection that was killed without an
event gives up its place: to a snapshot of a new connection after `silence_s`, to updates after `quiet_s` if it has
missed one of them, whose snapshot is then requested.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from core.envelope import TypedEnvelope
from core.records import Envelope
from market.orderbook.book import Book
from market.orderbook.book_config import BookConfig
from market.orderbook.book_sync import FrameHandler, PendingUpdates
from market.orderbook.feed_types import ChannelKind
from market.orderbook.lag_probe import LagProbe
from market.orderbook.record_writer import RecordWriter
from market.orderbook.sync_state import MICROS, Origin, Phase, SyncState
from venues.kraken import messages
from venues.kraken.connection_book import BookMessage, ConnectionBookState, Fault, apply, read_message
from venues.kraken.messages import BookFrame


class KrakenBookState(Struct, array_like=True):
    """`followed`: index of the connection whose book is published.

    `ahead_us`: receive time since which the standby has been ahead of the followed connection; 0 if it is not ahead.
    `published_us`: time (µs) of the last message published before a switch; 0 once the followed book is past it.
    `outside_us`: time (µs) of the newest update on a connection without a place.
    """

    connections: list[ConnectionBookState] = field(
        default_factory=lambda: [ConnectionBookState(), ConnectionBookState()]
    )
    followed: int = 0
    ahead_us: int = 0
    published_us: int = 0
    probe: LagProbe = field(default_factory=LagProbe)
    outside_us: int = 0


class KrakenBookSync:
    """Books of two connections, one of them followed."""

    pending_type: Any = None

    def __init__(self, symbol: str, sync: SyncState, writer: RecordWriter, config: BookConfig) -> None:
        self._symbol = symbol
        self._sync = sync
        self._writer = writer
        self._config = config
        self.state = KrakenBookState()
        self.books: tuple[Book, ...] = (Book(), Book())
        self.pending = PendingUpdates()
        self.channel_kind = messages.channel_kind
        self.decode_book = messages.decode_book
        self.handlers: Mapping[ChannelKind, FrameHandler] = {ChannelKind.BOOK: self.on_message}

    def parse(self, kind: ChannelKind, frame: bytes) -> Any:
        """Event in one frame."""
        return messages.parse(kind, frame, self._symbol)

    def on_message(self, envelope: TypedEnvelope[BookFrame]) -> None:
        """Apply a snapshot or an update to the book of its connection."""
        message = read_message(envelope, self._symbol)
        index = self._index_of(envelope, message)
        if index is None:  # a third connection
            self._writer.counts.skipped += 1
            return
        self._check_silence(envelope, index, message)
        connection = self.state.connections[index]
        connection.received_us = envelope.recv_us
        if message.snapshot:
            self._install(envelope, index, message)
        else:
            self._update(envelope, index, message)
        connection.message_us = message.time_us if message.snapshot else max(connection.message_us, message.time_us)

    def _index_of(self, origin: Origin, message: BookMessage) -> int | None:
        """Index of a connection. A new one takes a free place or that of a silent one; None if there is none."""
        connections, followed = self.state.connections, self.state.followed
        if connections[followed].conn == origin.conn:
            return followed
        standby = 1 - followed
        if connections[standby].conn == origin.conn:
            return standby
        for index in (followed, standby):
            if connections[index].conn is None:
                connections[index].conn = origin.conn
                return index
        return self._take_place(origin, message)

    def _take_place(self, origin: Origin, message: BookMessage) -> int | None:
        """Index of the silent connection whose place a third one takes; None if no connection has been silent.

        A snapshot replaces the book of the place, be it the followed one. An update brings no book, and a connection of
        a quiet symbol is silent too: it must have missed an update that arrived here before.
        """
        state, standby = self.state, 1 - self.state.followed
        if message.snapshot:
            index, silence_s = min((standby, state.followed), key=self._received_us), self._config.silence_s
        else:
            index, silence_s = standby, self._config.quiet_s
            missed, state.outside_us = state.connections[standby].message_us < state.outside_us, message.time_us
            if not missed:
                return None
        if origin.recv_us - state.connections[index].received_us <= silence_s * MICROS:
            return None
        self._reset(index, origin.conn)
        return index

    def _received_us(self, index: int) -> int:
        return self.state.connections[index].received_us

    def _is_standby_ready(self) -> bool:
        """True for a standby whose book is right and not behind the followed one, as that of a dead connection is."""
        state = self.state
        followed, standby = state.connections[state.followed], state.connections[1 - state.followed]
        return standby.synced and followed.message_us - standby.message_us <= self._config.silence_s * MICROS

    def _reset(self, index: int, conn: str | None) -> None:
        self.state.connections[index] = ConnectionBookState(conn)
        self.books[index].clear()

    def _check_silence(self, origin: Origin, index: int, message: BookMessage) -> None:
        """Follow the standby when the followed connection has been behind it for `silence_s`: silent, or late."""
        state = self.state
        if index == state.followed or message.snapshot:
            return
        followed_us = state.connections[state.followed].message_us
        if message.time_us <= followed_us:
            state.ahead_us = state.probe.at_us = 0
        elif state.probe.arrived_in_time(origin.recv_us, message.time_us, followed_us) or not state.ahead_us:
            state.ahead_us = origin.recv_us
        elif state.connections[index].synced and origin.recv_us - state.ahead_us > self._config.silence_s * MICROS:
            self._switch(origin, index, message.event_time)

    def _switch(self, origin: Origin, index: int, at: int) -> None:
        """Follow the other connection, whose book is right; order flow restarts."""
        self._writer.restart_order_flow()
        state = self.state
        newest_us = state.connections[state.followed].message_us
        if newest_us > state.connections[index].message_us:  # the difference has been published already
            state.published_us = max(state.published_us, newest_us)
        state.followed, state.ahead_us, state.probe.at_us = index, 0, 0
        self._sync.mark_synced(origin, at, "switched", confirmed=False)

    def _take_over(self, origin: Origin, index: int, at: int) -> None:
        """Follow the other connection, and publish its book if it is newer: its next message may be far away."""
        followed, time_us = self.state.connections[self.state.followed], self.state.connections[index].message_us
        self._switch(origin, index, at)
        if time_us > max(followed.message_us, self.state.published_us):
            self._writer.publish(self.books[index], time_us, time_us // 1000, origin.recv_us)

    def _install(self, envelope: TypedEnvelope[BookFrame], index: int, message: BookMessage) -> None:
        connection, state = self.state.connections[index], self.state
        self._writer.counts.snapshots += 1
        if index == state.followed:
            self._writer.restart_order_flow()
        connection.seq, connection.depth = envelope.seq, messages.depth(envelope.channel)
        fault = apply(self.books[index], message, connection.depth)
        if fault:
            self._on_fault(envelope, index, message.event_time, fault)
            return
        connection.synced, connection.synced_us = True, envelope.recv_us
        if not self._sync.synced:
            state.followed, state.ahead_us, state.probe.at_us = index, 0, 0
            self._sync.mark_synced(envelope, message.event_time)
        if index == state.followed:
            self._publish(envelope, index, message)

    def _update(self, envelope: TypedEnvelope[BookFrame], index: int, message: BookMessage) -> None:
        connection, counts = self.state.connections[index], self._writer.counts
        if not connection.synced:
            connection.seq = max(connection.seq, envelope.seq)
            counts.skipped += 1
            if self._sync.synced:
                self._request_standby(envelope, index)
            elif self._sync.state.phase is not Phase.UNTRUSTED:
                self._sync.request_snapshot(envelope, "no book")
        elif envelope.seq == connection.seq + 1:
            connection.seq = envelope.seq
            if connection.depth == messages.depth(envelope.channel):
                self._advance(envelope, index, message)
            else:
                counts.skipped += 1
        elif 0 < envelope.seq <= connection.seq:
            counts.skipped += 1
        else:
            self._drop_book(envelope, index, message.event_time, Fault("sequence", connection.seq + 1, envelope.seq))

    def _advance(self, envelope: TypedEnvelope[BookFrame], index: int, message: BookMessage) -> None:
        followed = index == self.state.followed
        fault = apply(self.books[index], message, self.state.connections[index].depth)
        if fault:
            self._on_fault(envelope, index, message.event_time, fault)
        elif followed:
            self._publish(envelope, index, message)
        else:
            self._writer.counts.skipped += 1

    def _request_standby(self, origin: Origin, index: int) -> None:
        """Request the snapshot of a standby that has no book, at most once in `resync_max_s`."""
        connection, now = self.state.connections[index], origin.recv_us
        usable = connection.faults <= self._config.max_recoveries
        longest = self._config.resync_max_s * MICROS
        if index != self.state.followed and usable and not 0 <= now - connection.requested_us < longest:
            connection.requested_us = now
            self._writer.resync(origin.conn, "no book", now // 1000)

    def _publish(self, envelope: TypedEnvelope[BookFrame], index: int, message: BookMessage) -> None:
        if self.state.published_us:
            if message.time_us <= self.state.published_us:  # by the connection that was followed before
                self._writer.counts.skipped += 1
                return
            self.state.published_us = 0
        if self._sync.state.stale:
            self._sync.mark_fresh(envelope, message.event_time)
        self._writer.publish(self.books[index], message.time_us, message.event_time, envelope.recv_us, message.flags)

    def _on_fault(self, origin: Origin, index: int, at: int, fault: Fault) -> None:
        """Count a fault: a failed recovery, or the first fault of a book that had recovered."""
        connection, counts = self.state.connections[index], self._writer.counts
        counts.checksum_failures += fault.reason == "checksum"
        counts.crossed += fault.reason == "crossed"
        recovered = (
            connection.synced and origin.recv_us - connection.synced_us > self._config.recovered_after_s * MICROS
        )
        connection.faults = 1 if recovered else connection.faults + 1
        self._drop_book(origin, index, at, fault)

    def _drop_book(self, origin: Origin, index: int, at: int, fault: Fault) -> None:
        """Drop the book of a connection; the other connection is followed if its book is right."""
        connections, standby = self.state.connections, 1 - self.state.followed
        connections[index].synced = False
        usable = connections[index].faults <= self._config.max_recoveries
        if index != standby:
            is_ready = self._is_standby_ready()
            phase = Phase.EMPTY if usable or is_ready else Phase.UNTRUSTED
            self._sync.mark_gap(origin, at, fault.reason, phase, fault.expected, fault.actual)
            if is_ready:
                self._take_over(origin, standby, at)
        elif usable:
            connections[index].requested_us = origin.recv_us
            self._writer.resync(origin.conn, fault.reason, origin.recv_us // 1000)
        self.books[index].clear()

    def on_connection_event(self, envelope: Envelope) -> None:
        """Process an event of one of the two connections; events count in `seq` as frames do."""
        self.on_ignored_frame(envelope)
        for index, connection in enumerate(self.state.connections):
            if connection.conn == envelope.conn:
                if envelope.event == "dropped" and connection.synced:
                    self._drop_book(envelope, index, envelope.recv_us // 1000, Fault("dropped"))
                elif envelope.event == "disconnected":
                    self._disconnect(envelope, index)

    def _disconnect(self, envelope: Envelope, index: int) -> None:
        """Drop the book of a closed connection: the next connection starts with its own snapshot."""
        at, standby = envelope.recv_us // 1000, 1 - self.state.followed
        if index != standby:
            if self._is_standby_ready():
                self._take_over(envelope, standby, at)
            else:
                self._sync.drop_book(at, "disconnected", envelope.conn)
        self._reset(index, None)

    def on_ignored_frame(self, origin: Origin) -> None:
        """Count a frame without market data in `seq`: it came in the book's stream."""
        for connection in self.state.connections:
            if connection.conn == origin.conn and origin.seq == connection.seq + 1:
                connection.seq = origin.seq

    def on_rejected_frame(self, origin: Origin) -> None:
        """Drop the book: a rejected frame is a missing frame."""
        for index, connection in enumerate(self.state.connections):
            if connection.conn == origin.conn:
                connection.seq = max(connection.seq, origin.seq)
                if connection.synced:
                    self._drop_book(origin, index, origin.recv_us // 1000, Fault("rejected"))
