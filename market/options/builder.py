"""Builder of one option chain: reads envelopes, emits a set of records for each second of event time.

A second closes when the chain first sees an event of a later second, so that output depends neither on batches nor on
the speed of a replay. `flush` closes the last second. An event that arrives for a flushed second produces a second set
of records with the same `event_time`, which replaces the first. Records describe the chain at the end of their second.
No exception leaves `apply_all`, whatever the bytes.

A chain is stale when no quote of it was applied for `stale_after_ms` by the receive times of its records, whatever else
arrives: index prices and listed instruments do not count. Receive times of two hosts are compared only where their
clocks may agree. The first quote that is applied ends it.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from core.envelope import DECODE_ERRORS, InvalidRecord, check_bytes, check_event_time, decode_envelope, frame_bytes
from core.records import BookState, Envelope, Status
from market.journal_entries import Append, Replace
from market.options.buildup import BuildUpWindow
from market.options.chain import Chain
from market.options.chain_batch import ChainBatch, ChainConfig
from market.options.chain_records import chain_records, underlying_tick
from market.options.chain_view import ChainView
from market.options.events import Event, IndexPrice, Instrument, OptionQuote, RefusedRow
from market.options.feed import OptionFeed
from market.options.journal import BuilderState, ChainJournal
from market.options.priced_chain import price_chain
from market.options.surface import build_surface
from market.options.surface_records import surface_records
from market.reject_all import Reject

SECOND_MS = 1000
EMPTY_BYTES = 65_536  # memory of a builder without options
OPTION_MEMORY_BYTES = 2_048  # memory of one option: its instrument, quotes, and two samples of the build-up window

_encode = msgspec.json.Encoder().encode


class ChainBuilder:
    """State of one `venue:underlying`: its chain and the current second. `journal` and `restore` survive a crash."""

    def __init__(self, venue: str, underlying: str, config: ChainConfig, feed: OptionFeed) -> None:
        self._venue = venue
        self._parse = feed.parse
        self._chain = Chain(underlying, feed, config.stale_after_ms)
        self._stale_after_us = config.stale_after_ms * 1000
        self._state = BuilderState()
        self._build_up = BuildUpWindow(config.build_up_ms, config.neutral_band)
        self._journal = ChainJournal()
        self._batch = ChainBatch()

    def apply_all(self, values: Sequence[bytes | None]) -> ChainBatch:
        """Apply raw records in order; rejects carry their index in `values`."""
        counts = self._batch.counts
        for index, value in enumerate(values):
            counts.frames += 1
            try:
                envelope = self._envelope(value)
                if envelope.event is UNSET:
                    for event in self._parse(frame_bytes(envelope), self._chain.underlying):
                        self._apply_event(event, envelope, index)
                self._check_silence(envelope)
            except InvalidRecord as error:
                self._reject(index, error)
        return self._finish_batch()

    @property
    def state(self) -> str:
        """`in sync` or `stale`."""
        return "stale" if self._state.stale else "in sync"

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        return EMPTY_BYTES + len(self._chain) * OPTION_MEMORY_BYTES

    def flush(self) -> ChainBatch:
        """Emit the records of the current second if they are pending. A timer of the job calls this."""
        if self._state.pending:
            self._emit(self._chain.view(self._end))
            self._state.pending = False
        return self._finish_batch()

    def mark_stale(self, now_ms: int) -> bytes | None:
        """Mark the chain stale after the job's idle timeout. Returns the status to publish, once per episode.

        `journal` must be called afterwards.
        """
        if self._state.stale or not (self._state.second or self._state.quoted.newest_us):
            return None
        self._state.stale, self._state.stale_ms = True, now_ms
        return self._status("stale", "silence", now_ms)

    def journal(self) -> Append | Replace | None:
        """Entry to write to the key's state for the changes since the last call; None when nothing changed."""
        return self._journal.write(self._state, self._chain, self._build_up)

    @classmethod
    def restore(
        cls, venue: str, underlying: str, config: ChainConfig, feed: OptionFeed, entries: Iterable[bytes]
    ) -> "ChainBuilder":
        """Builder whose `journal` wrote these entries, in order.

        Raises `UnknownVersion` for an entry that another version of the code wrote.
        """
        builder = cls(venue, underlying, config, feed)
        builder._state = builder._journal.read(entries, builder._chain, builder._build_up)
        return builder

    @property
    def _end(self) -> int:
        """End of the current second, epoch ms."""
        return (self._state.second + 1) * SECOND_MS

    def _envelope(self, value: bytes | None) -> Envelope:
        check_bytes(value or b"")
        try:
            envelope = decode_envelope(value or b"")
        except DECODE_ERRORS as error:
            raise InvalidRecord(f"expected an envelope: {error}", "envelope") from None
        if envelope.venue != self._venue:
            raise InvalidRecord(f"expected venue {self._venue}, got {envelope.venue}", "key")
        return envelope

    def _apply_event(self, event: Event | InvalidRecord, origin: Envelope, index: int) -> None:
        try:
            if isinstance(event, InvalidRecord):
                raise event
            if isinstance(event, Instrument):
                changed = self._chain.apply(event)
            else:
                changed = self._apply_timed(event, origin.recv_us)
        except InvalidRecord as error:
            self._reject(index, error)
            return
        counts = self._batch.counts
        counts.applied, counts.unchanged = counts.applied + changed, counts.unchanged + (not changed)
        if changed and isinstance(event, OptionQuote):
            self._quote_applied(event.time, origin)

    def _quote_applied(self, time: int, origin: Envelope) -> None:
        """Begin with the first quote, or end the silence: not before the time of the status `stale`."""
        state = self._state
        is_first = not state.quoted.applied_us
        state.quoted.applied_us, state.quoted.conn = origin.recv_us, origin.conn
        if state.stale:
            state.stale = False
            self._batch.statuses.append(self._status("synced", "resumed", max(time, state.stale_ms)))
        elif is_first:
            self._batch.statuses.append(self._status("synced", "quoted", time))

    def _check_silence(self, origin: Envelope) -> None:
        """Mark the chain stale when its newest quote was received too long before this record."""
        state, quoted = self._state, self._state.quoted
        if state.stale or (quoted.applied_us, quoted.conn) == (origin.recv_us, origin.conn):
            return
        if quoted.waited_us(origin.conn, origin.recv_us, self._stale_after_us) > self._stale_after_us:
            state.stale, state.stale_ms = True, origin.recv_us // 1000
            self._batch.statuses.append(self._status("stale", "no quote applied", state.stale_ms))

    def _apply_timed(self, event: OptionQuote | IndexPrice, recv_us: int) -> bool:
        """Apply an event that has a time. The first event of a later second closes the second before it."""
        self._check_time(event, recv_us)
        second = event.time // SECOND_MS
        closing = self._chain.view(self._end) if second > self._state.second and self._state.pending else None
        if not self._chain.apply(event):
            return False
        if closing is not None:
            self._emit(closing)
        self._state.second = max(second, self._state.second)
        self._state.pending = True
        return True

    def _check_time(self, event: OptionQuote | IndexPrice, recv_us: int) -> None:
        try:
            check_event_time(event.time, recv_us)
        except InvalidRecord as error:
            if isinstance(event, IndexPrice):
                raise
            raise RefusedRow(str(error), event.name, b"") from None

    def _emit(self, view: ChainView) -> None:
        """Add the records of a view to the batch, unless the view is empty, and evict what expired."""
        if view.layout.expiries:
            priced = price_chain(view)
            surface = build_surface(priced)
            build_ups = self._build_up.classify(priced)
            batch = self._batch
            batch.chains += map(_encode, chain_records(self._venue, priced, surface))
            batch.surfaces += map(_encode, surface_records(self._venue, priced, surface, build_ups))
            batch.ticks.append(_encode(underlying_tick(self._venue, priced)))
            batch.counts.seconds += 1
        self._chain.evict(view.time)

    def _status(self, state: BookState, reason: str, event_time: int) -> bytes:
        return _encode(Status(self._venue, self._chain.underlying, event_time, state, reason))

    def _reject(self, index: int, error: InvalidRecord) -> None:
        """Report a value or a row that was refused. The records of the current second are emitted with its flag."""
        row = b""
        if isinstance(error, RefusedRow):
            row = error.row
            self._state.pending |= self._chain.refuse(error.name) and self._state.second > 0
        self._batch.counts.rejected += 1
        self._batch.rejects.append(Reject(index, str(error), error.where, row))

    def _finish_batch(self) -> ChainBatch:
        batch, self._batch = self._batch, ChainBatch()
        return batch
