"""Synchronisation of one book with its stream: the phase, its status records and the requests for snapshots.

EMPTY      no book; left by the first update (venues whose snapshot comes by REST buffer it) or by a snapshot
BUFFERING  updates are buffered until a snapshot bridges to them
SYNCED     the book is right; records are published in this phase only
UNTRUSTED  the recoveries of a book proven by checksums are used up; nothing is published or requested until the
           checksum of a snapshot matches

A book in sync that applies nothing for `stale_after_s` (STALE_AFTER_S, 30 s by default) is stale: by its next envelope,
which also requests a snapshot, or by the timer of the job (`IdleTimeout` in `jobs/builder_specs.py`).

A gap requests one snapshot at once, and repeats the request with exponential back-off for as long as frames arrive. The
back-off runs on receive times; those of two hosts are compared only where their clocks may agree.
"""

from enum import IntEnum
from typing import Protocol

from msgspec import Struct, field

from core.envelope import HOUR_MS
from core.records import BookState
from market.applied_clock import AppliedClock
from market.orderbook.book_config import BookConfig
from market.orderbook.old_run import PROOF, OldRun
from market.orderbook.record_writer import RecordWriter

MICROS = 1_000_000
# Old ids with an event time later than the book's by more than this prove that the ids restarted. A copy from another
# connection is never that late: a stream with one update a second lags another one by up to 1 s, and the clocks of a
# venue's servers differ by some milliseconds.
RESET_AFTER_MS = 1_500


class Phase(IntEnum):
    """Phase of a book's synchronisation. The values are written to state."""

    EMPTY = 0
    BUFFERING = 1
    SYNCED = 2
    UNTRUSTED = 3


class Origin(Protocol):
    """Connection, sequence number and receive time of a frame: part of every envelope."""

    @property
    def conn(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def recv_us(self) -> int: ...


def is_earlier(at_ms: int, than_ms: int) -> bool:
    """True for a time before another one, by up to an hour: what is older than that belongs to another recording."""
    return than_ms - HOUR_MS <= at_ms < than_ms


class SavedSyncState(Struct, array_like=True):
    """The part that a restart restores. `reason`, `conn` and `since_ms` (receive time of the gap) describe the request.

    `request_open`: a snapshot was requested and has not arrived. The request is repeated `retry_after_us` after
    `requested_us`, its last receive time, by the clock `asked`. `old_run` and `asked` are None for most books, since
    they are saved with each batch. `status_ms`: time of the last status.
    """

    phase: Phase = Phase.EMPTY
    stale: bool = False
    request_open: bool = False
    reason: str = ""
    conn: str | None = None
    since_ms: int = 0
    requested_us: int = 0
    retry_after_us: int = 0
    applied: AppliedClock = field(default_factory=AppliedClock)
    old_run: OldRun | None = None
    asked: AppliedClock | None = None
    status_ms: int = 0


class SyncState:
    """Holds the phase and publishes a status for every change that subscribers must know. `synced`: phase SYNCED."""

    __slots__ = ("_config", "_stale_after_us", "_writer", "applied", "state", "synced")

    def __init__(self, writer: RecordWriter, config: BookConfig) -> None:
        self._writer = writer
        self._config = config
        self._stale_after_us = int(config.stale_after_s * MICROS)
        self.restore(SavedSyncState())

    def restore(self, state: SavedSyncState) -> None:
        """Continue from a saved state."""
        self.state = state
        self.applied = state.applied
        self.synced = state.phase is Phase.SYNCED

    def set_phase(self, phase: Phase) -> None:
        """Change the phase without a status."""
        self.state.phase = phase
        self.synced = phase is Phase.SYNCED

    def mark_synced(self, origin: Origin, event_time: int, reason: str = "snapshot", confirmed: bool = True) -> None:
        """The book is right from here on: publish `synced`, close the request.

        `confirmed`: False if the envelope says nothing of this book, whose time without an update then goes on.
        """
        self.set_phase(Phase.SYNCED)
        if self.state.stale:
            reason = "resumed"
        self._end_request()
        if confirmed:
            self.confirm(origin)
        self._writer.status("synced", reason, self._in_order(event_time), origin.conn)

    def mark_gap(
        self,
        origin: Origin,
        event_time: int,
        reason: str,
        phase: Phase = Phase.EMPTY,
        expected: int | None = None,
        actual: int | None = None,
        request: bool = True,
    ) -> None:
        """The book is wrong: publish `gap` and request a snapshot, or publish `untrusted`; restart order flow.

        `request`: False if the snapshot has arrived already.
        """
        self._writer.restart_order_flow()
        self.set_phase(phase)
        self._end_request()
        state: BookState = "untrusted" if phase is Phase.UNTRUSTED else "gap"
        self._writer.counts.gaps += 1
        self._writer.status(state, reason, self._in_order(event_time), origin.conn, expected, actual)
        if request and phase is not Phase.UNTRUSTED:
            self.request_snapshot(origin, reason)

    def _in_order(self, event_time: int) -> int:
        """Time of the next status, not before the last one: readers put a book's states in the order of their times.

        A timer's `stale` is later than the updates that were on their way.
        """
        if not is_earlier(event_time, self.state.status_ms):
            self.state.status_ms = event_time
        return self.state.status_ms

    def _end_request(self) -> None:
        """The book is neither stale, nor is its request open."""
        state = self.state
        state.stale = state.request_open = False
        state.old_run = state.asked = None

    def request_snapshot(self, origin: Origin, reason: str) -> None:
        """Request a snapshot unless a request is open: `retry_request` repeats that one."""
        state = self.state
        if not state.request_open:
            state.request_open, state.reason, state.conn = True, reason, origin.conn
            state.since_ms = origin.recv_us // 1000
            state.retry_after_us = int(self._config.resync_first_s * MICROS)
            self._request(origin)

    def retry_request(self, origin: Origin) -> None:
        """Repeat an open request that is due."""
        state = self.state
        longest = int(self._config.resync_max_s * MICROS)
        if not state.request_open:
            return
        asked = state.asked = state.asked or AppliedClock()  # None: restored from an older state
        if asked.waited_us(origin.conn, origin.recv_us, longest) >= state.retry_after_us:
            state.retry_after_us = min(2 * state.retry_after_us, longest)
            self._request(origin)

    def _request(self, origin: Origin) -> None:
        state = self.state
        state.requested_us = origin.recv_us
        state.asked = AppliedClock(origin.recv_us, origin.conn)
        self._writer.resync(state.conn, state.reason, state.since_ms)

    def is_answered(self, origin: Origin, book_ms: int) -> bool:
        """True for a snapshot that answers the request of a stale book. `book_ms`: event time of the book.

        What was received before the book's newest update answers nothing: it has waited for the broker.
        """
        newest_ms, state = min(self.applied.applied_us // 1000, book_ms), self.state
        return self.synced and state.stale and state.request_open and not is_earlier(origin.recv_us // 1000, newest_ms)

    def mark_stale(self, event_time: int, reason: str, conn: str | None = None) -> bytes | None:
        """Publish `stale` once per episode without updates, and return the record; None if nothing was published.

        The book stays as it is.
        """
        if not self.synced or self.state.stale:
            return None
        self.state.stale = True
        return self._writer.status("stale", reason, self._in_order(event_time), conn)

    def mark_silent(self, event_time: int) -> bytes | None:
        """Mark the book stale by a timer. The reason says if records came late in the time without updates."""
        arrived = self.applied.others_arrived(self._stale_after_us // 2)
        return self.mark_stale(event_time, "no update applied" if arrived else "silence")

    def drop_book(self, event_time: int, reason: str, conn: str) -> None:
        """The book's connection is gone and the next one starts with a snapshot: publish `stale`, request nothing."""
        self._writer.restart_order_flow()
        self.mark_stale(event_time, reason, conn)
        if self.synced:
            self.set_phase(Phase.EMPTY)

    def mark_fresh(self, origin: Origin, event_time: int) -> None:
        """An update was applied, or a snapshot equals the book: publish `synced` if the book was stale."""
        if self.state.stale:
            self._end_request()
            self.confirm(origin)
            self._writer.status("synced", "resumed", self._in_order(event_time), origin.conn)

    def note_unapplied(self, origin: Origin, request: bool = True) -> None:
        """Process an envelope that changed nothing: after `stale_after_s` of these, mark the book stale.

        With `request`, request a snapshot as well. Connection events do not, because the frames after a reconnect show
        if a snapshot is needed.
        """
        if not self.synced or (self.state.stale and self.state.request_open):
            return
        if self.applied.waited_us(origin.conn, origin.recv_us, self._stale_after_us) > self._stale_after_us:
            self.mark_stale(origin.recv_us // 1000, "no update applied", origin.conn)
            if request:
                self.request_snapshot(origin, "no update applied")

    def note_unordered(self, origin: Origin) -> None:
        """Process an envelope of another topic: how far it is read says nothing of this one's silence.

        The job's timer measures that. A book that it marked stale requests its snapshot here.
        """
        self.applied.note_other(origin.recv_us)
        if self.synced and self.state.stale:
            self.request_snapshot(origin, "no update applied")
        if origin.recv_us > self.state.requested_us:
            self.retry_request(origin)

    def begins_anew(self, previous_id: int, update_id: int, later_ms: int, in_run: bool) -> bool:
        """True for an update with an old id that proves that the ids began anew.

        It is much later than the book, or the third of updates that are later and follow one another. `later_ms`: its
        event time less the book's. `in_run`: False for a copy of the newest update or a part of a snapshot, which may
        be late and says nothing of those that follow.
        """
        if later_ms <= 0 or not in_run:
            return later_ms > RESET_AFTER_MS
        run = self.state.old_run = self.state.old_run or OldRun()
        return run.add(previous_id, update_id, self.applied.applied_us) >= PROOF or later_ms > RESET_AFTER_MS

    @property
    def ids_in_doubt(self) -> bool:
        """True if updates with old ids and later times arrived since the last update that was applied."""
        run = self.state.old_run
        return self.synced and run is not None and run.is_open(self.applied.applied_us)

    def confirm(self, origin: Origin) -> None:
        """The book is right at the receipt of this envelope: the time without an applied update begins anew."""
        self.applied.applied_us, self.applied.conn = origin.recv_us, origin.conn
