"""Ticks of one book by its own clock, and the windows that they add up to (`BookTick`, `Window`).

The updates of 100 ms of event time are one tick. It closes with the first update of a later 100 ms, or with a change
of state. One second after the last tick, and each second up to `STALE_AFTER_S`, a tick without updates is due: a
heartbeat. The first later record publishes it. Timers publish the same ticks earlier (`poll`); an update that is older
than a published tick belongs to the next one. A record that is older by more than `STALE_AFTER_S` sets the book's clock
back: windows begin anew.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.records import Processed
from market.orderbook.quiet_clock import QuietClock
from market.orderbook.tick_clock import CLOSE_AFTER_MS, MAX_LATE, SECOND_MS, open_span, tick_end
from market.orderbook.tick_fold import NO_UPDATES, Fold, Update, fold, update_of
from market.orderbook.tick_records import BookTick
from market.orderbook.tick_state import NO_ROW, Row, StateChange, TickChanges, TickHeader, row_of
from market.orderbook.tick_sums import NOTHING, Carried, Sums, held
from market.orderbook.windows import Windows

UPDATE_BYTES = 400  # memory of an update of the open tick
TICKS_BYTES = 24_576  # memory of the rest, without the history
JOURNAL_BYTES = 4_096  # of ticks and windows in the journal, without the history
READING_JOURNAL_BYTES = 20
# A timer publishes a heartbeat this long after it is due, past a stream of one update a second.
HEARTBEAT_GRACE_MS = 500
_tick: Any = BookTick  # mypy counts a star of unknown length as all arguments
_encode = msgspec.json.Encoder().encode


class BookTicks:
    """Ticks and windows of one book. `lines`: encoded ticks, taken by the caller like those of `windows`."""

    __slots__ = (
        *("_closed", "_last", "_max_heartbeats", "_row", "_saved_updates", "_stale_after_ms", "_symbol"),
        *("_updates", "_venue", "changed", "header", "lines", "windows"),
    )

    def __init__(self, venue: str, symbol: str, stale_after_s: float) -> None:
        self._venue = venue
        self._symbol = symbol
        self._max_heartbeats = int(stale_after_s)
        self._stale_after_ms = int(stale_after_s * SECOND_MS)
        self.header = TickHeader()
        self.windows = Windows(venue, symbol)
        self.lines: list[bytes] = []
        self._updates: list[Update] = []  # those of the open tick
        self._saved_updates = 0
        self._last: Processed | None = None  # the last record of the open tick
        self._row: Processed | None = None  # that of the closed ticks
        self._closed = self.changed = False

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        return TICKS_BYTES + self.windows.history.memory_bytes + len(self._updates) * UPDATE_BYTES

    @property
    def journal_bytes(self) -> int:
        """Estimated size of the whole state in the journal, without the updates of the open tick."""
        return JOURNAL_BYTES + len(self.windows.history.readings) * READING_JOURNAL_BYTES

    @property
    def needs_timer(self) -> bool:
        """True while a timer may publish something."""
        header = self.header
        return header.open_until > 0 or (header.published_until >= 0 and header.heartbeats < self._max_heartbeats)

    def apply(self, rows: Sequence[Processed], states: Sequence[StateChange]) -> None:
        """Add the records of a batch and the changes of state between them."""
        if not rows and not states:
            return
        self.changed = True
        self.header.events += len(rows) + len(states)
        done = 0
        for change in states:
            self._add(rows[done : change.place])
            self._change_state(change)
            done = change.place
        self._add(rows[done:] if done else rows)

    def stale_at(self, now_ms: int) -> int:
        """Time of the book's own clock at which its silence ends, at most `now_ms`.

        A job that reads a backlog is behind the timer's time: records of the time between them are still to come.
        """
        header = self.header
        return (
            min(now_ms, (header.open_until or header.quiet_since) + self._stale_after_ms)
            if header.published_until >= 0
            else now_ms
        )

    def poll(self, now_ms: int, clock: QuietClock) -> None:
        """Publish what is due at a timer's time, on any clock that runs at the pace of the venue's."""
        header = self.header
        quiet_ms = clock.quiet_ms(now_ms, header.events)
        if header.open_until and quiet_ms >= CLOSE_AFTER_MS:
            self._close(header.open_until)
        elapsed = (quiet_ms - HEARTBEAT_GRACE_MS) // SECOND_MS
        if not header.open_until and header.published_until >= 0:
            self._publish_heartbeats(header.quiet_since + elapsed * SECOND_MS)

    def due_in_ms(self, clock: QuietClock) -> int:
        """Time without records after which `poll` publishes something, while this `needs_timer`."""
        header = self.header
        due = CLOSE_AFTER_MS if header.open_until else (header.heartbeats + 1) * SECOND_MS + HEARTBEAT_GRACE_MS
        return due - clock.quiet

    def _add(self, rows: Sequence[Processed]) -> None:
        if not rows:
            return
        start, until = self._span()
        append = self._updates.append
        for place, update in enumerate(map(update_of, rows)):
            if not start <= update[0] < until:
                if place:
                    self._last = rows[place - 1]
                self._open(update[0])
                start, until = self._span()
                append = self._updates.append
            append(update)
        self._last = rows[-1]

    def _span(self) -> tuple[int, int]:
        return open_span(self.header.published_until, self.header.open_until)

    def _open(self, event_time: int) -> None:
        """Make the open tick the one that takes an update of this time."""
        header = self.header
        self._begin(event_time)
        late = event_time < header.published_until
        if header.open_until and (event_time >= header.open_until or header.late == MAX_LATE):
            self._close(header.open_until)
        if not header.open_until:
            at = max(event_time, header.published_until)
            self._publish_heartbeats(at)
            self.windows.hold(header.carried, at - at % SECOND_MS, self._row)
            header.open_until = tick_end(at)
        header.late += late

    def _begin(self, event_time: int) -> None:
        """Begin the time of the book, or set it back to a much earlier time."""
        header = self.header
        if header.published_until >= 0:
            if event_time >= self._span()[0] - self._stale_after_ms:
                return
            if header.open_until:
                self._close(header.open_until)
            self.windows.finish(header.carried, self._row)
        header.published_until = header.quiet_since = event_time
        header.heartbeats, header.flow_ends, header.flows = 0, [], []
        self.windows.begin(event_time)

    def _change_state(self, change: StateChange) -> None:
        header, windows = self.header, self.windows
        self._begin(change.event_time)
        late = change.event_time < header.published_until
        at = max(change.event_time, header.published_until)
        if header.open_until and at < header.open_until:
            at = max(at, *(update[0] for update in self._updates))
            self._close(at)
        elif header.open_until:
            self._close(header.open_until)
        self._publish_heartbeats(at)
        if at > header.published_until:
            self._publish_quiet(at)
        lost = change.state != "synced"
        header.state, header.reason, header.carried = change.state, change.reason, Carried(lost=lost)
        if lost:
            windows.mark_out_of_sync()
            header.flow_ends, header.flows = [], []
        self._publish(at, Sums(1, late=int(late)), NO_UPDATES, NOTHING)
        header.quiet_since, header.heartbeats = at, 0

    def _publish_heartbeats(self, until: int) -> None:
        header = self.header
        while header.heartbeats < self._max_heartbeats:
            at = header.quiet_since + (header.heartbeats + 1) * SECOND_MS
            if at > until:
                break
            self._publish_quiet(at)
            header.heartbeats += 1

    def _publish_quiet(self, until: int) -> None:
        """Publish a tick without updates that is longer than 0."""
        header, windows = self.header, self.windows
        windows.hold(header.carried, max((until - 1) // SECOND_MS * SECOND_MS, header.published_until), self._row)
        within_second = held(header.carried, until - windows.position, 1)
        self._publish(until, within_second, NO_UPDATES, held(header.carried, until - header.published_until))

    def _close(self, until: int) -> None:
        """Publish the open tick."""
        header, position = self.header, self.windows.position
        folded = fold(self._updates, header.late, position, until, header.carried)
        self._row, self._last, self._closed = self._last, None, True
        self._updates, self._saved_updates = [], 0
        before = (
            held(header.carried, position - header.published_until) if position > header.published_until else NOTHING
        )
        self._publish(until, folded.sums, folded, before)
        header.carried, header.quiet_since = folded.carried, until
        header.open_until = header.late = header.heartbeats = 0

    def _publish(self, until: int, sums: Sums, folded: Fold, before: Sums) -> None:
        """Publish the tick that ends here, and add `sums` to its second. `before`: sums of its time before them."""
        header, row, own = self.header, self._row, folded.sums
        if sums.ofi_count:
            header.flow_ends.append(until)
            header.flows.append(sums.ofi_sum)
        while header.flow_ends and header.flow_ends[0] <= until - SECOND_MS:
            del header.flow_ends[0], header.flows[0]
        tick = _tick(
            self._venue,
            self._symbol,
            header.seq,
            header.published_until,
            until,
            header.state,
            header.reason,
            sums.updates,
            sums.late,
            folded.one_sided,
            row.event_time if sums.updates and row else until,
            *(row_of(row)[1:] if row else NO_ROW),
            own.imbalance_open,
            own.imbalance_high,
            own.imbalance_low,
            own.imbalance_close,
            own.imbalance_sum,
            own.imbalance_count,
            own.weighted_open,
            own.weighted_high,
            own.weighted_low,
            own.weighted_close,
            own.weighted_sum,
            own.weighted_count,
            *folded.spread_bps,
            before.valid_ms + own.valid_ms,
            before.out_of_sync_ms + own.out_of_sync_ms,
            before.imbalance_integral + own.imbalance_integral,
            before.spread_integral + own.spread_integral,
            folded.bid_low,
            folded.bid_high,
            own.bid_depth_sum,
            folded.ask_low,
            folded.ask_high,
            own.ask_depth_sum,
            folded.bid_jump,
            folded.ask_jump,
            own.ofi_sum if own.ofi_count else None,
            sum(header.flows) if header.flows else None,
            *self.windows.history.past,
            own.ofi_count,
        )
        self.lines.append(_encode(tick))
        self.windows.add(sums, until, header.state != "synced", row)
        header.seq += 1
        header.published_until = until
        self.changed = True

    def take_changes(self, everything: bool) -> TickChanges | None:
        """Changes since the last call, or the whole state; None without a change, and before the first tick."""
        if not self.header.events or not (self.changed or everything):
            return None
        updates = self._updates[0 if everything else self._saved_updates :]
        closed = row_of(self._row) if self._row and (everything or self._closed) else None
        self._saved_updates, self._closed, self.changed = len(self._updates), False, False
        windows = self.windows.take_changes(everything)
        last = row_of(self._last) if self._last else None
        return TickChanges(self.header, closed, updates, last, windows)

    def restore(self, changes: TickChanges) -> None:
        """Apply the next entry of the journal."""
        if changes.closed is not None:
            self._row, self._updates = self._record(changes.closed), []
        self._updates.extend(changes.updates)
        self._saved_updates = len(self._updates)
        self._last = None if changes.last is None else self._record(changes.last)
        self.header = changes.header
        self.windows.restore(changes.windows)

    def _record(self, row: Row) -> Processed:
        return Processed(self._venue, self._symbol, *row)
