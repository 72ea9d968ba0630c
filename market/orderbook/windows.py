"""Seconds and windows of one book, from the sums of its ticks.

Time advances with the ticks. A second closes when a tick ends at its end or later; windows close with the second that
is their last. A window has a record if a tick ends in it and the book was updated or out of sync in it.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from core.records import Processed
from market.orderbook.second_history import Reading, SecondHistory
from market.orderbook.tick_clock import SECOND_MS
from market.orderbook.tick_records import Window, WindowSize
from market.orderbook.tick_sums import NOTHING, Carried, Sums, combine, held

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
LENGTHS: dict[WindowSize, int] = {"1s": SECOND_MS, "10s": TEN_SECONDS_MS, "1m": MINUTE_MS}
_encode = msgspec.json.Encoder().encode


class Second(NamedTuple):
    """A closed second. `whole`: the book was in sync for all of it."""

    start: int
    whole: bool
    sums: Sums


class SavedWindows(NamedTuple):
    """The part that changes only when a second closes; `seconds` and `history`: oldest first."""

    minute: Sums | None
    seconds: list[Second]
    history: list[Reading]


class WindowChanges(Struct, array_like=True, gc=False):
    """Change of the state of windows. A second that closed takes the parts before it.

    `parts`: new sums of the open second. `seconds`: those that closed. `saved`: the whole state, in place of them.
    """

    position: int
    whole: bool
    parts: list[Sums]
    seconds: list[Second]
    saved: SavedWindows | None = None


class Windows:
    """Windows of one book.

    `position`: time up to which everything is added. `parts`: sums of the open second; `whole`: the book was in sync
    since its start. `lines`: encoded records (`Window`), taken by the caller. `unsaved`: seconds that closed since the
    last save; None: the state as a whole is unsaved.
    """

    __slots__ = (
        *("_saved_parts", "_symbol", "_venue", "history", "lines", "minute"),
        *("parts", "position", "seconds", "unsaved", "whole"),
    )

    def __init__(self, venue: str, symbol: str) -> None:
        self._venue = venue
        self._symbol = symbol
        self.history = SecondHistory()
        self.lines: list[bytes] = []
        self.seconds: deque[Second] = deque(maxlen=TEN_SECONDS_MS // SECOND_MS)
        self.begin(0)

    def begin(self, at: int) -> None:
        """Begin at this time, without a past."""
        self.position, self.whole = at, False
        self.parts: list[Sums] = []
        self._saved_parts = 0
        self.minute: Sums | None = None
        self.seconds.clear()
        self.history.clear()
        self.unsaved: list[Second] | None = None

    def finish(self, carried: Carried, last: Processed | None) -> None:
        """Close all windows in which a tick ended."""
        self.hold(carried, _ceil(self.position + TEN_SECONDS_MS, MINUTE_MS), last)

    def mark_out_of_sync(self) -> None:
        """The book is lost at the current position: rules do not look at the time before it."""
        self.whole = False
        self.history.clear()
        self.unsaved = None

    def hold(self, carried: Carried, until: int, last: Processed | None) -> None:
        """Advance to a time up to which these values apply. `last`: the newest record before."""
        if until - self.position > 2 * MINUTE_MS:
            self._skip(carried, until, last)
        while (end := self._second_end()) <= until:
            self.add(held(carried, end - self.position), end, carried.lost, last)
        if until > self.position:
            self.add(held(carried, until - self.position), until, carried.lost, last)

    def add(self, sums: Sums, until: int, lost: bool, last: Processed | None) -> None:
        """Add sums that cover the time from `position` to `until`, which is not after the end of the open second.

        `lost`: the state at `until` is not synced. `last`: the newest record.
        """
        end = self._second_end()
        self.parts.append(sums)
        self.position = until
        if until >= end:
            self._close(end, last)
            self.whole = not lost

    def _second_end(self) -> int:
        return self.position - self.position % SECOND_MS + SECOND_MS

    def _skip(self, carried: Carried, until: int, last: Processed | None) -> None:
        """Leave out minutes of which no window has a tick."""
        first = _ceil(self.position + TEN_SECONDS_MS, MINUTE_MS)
        next_one = (until - TEN_SECONDS_MS) // MINUTE_MS * MINUTE_MS
        self.hold(carried, first, last)
        if next_one > first:
            self.position, self.unsaved = next_one, None
            self.seconds.clear()
            for _ in range(0 if carried.lost else min(next_one - first, 300_000) // SECOND_MS):
                self.history.add(NOTHING)

    def _close(self, end: int, last: Processed | None) -> None:
        second = Second(end - SECOND_MS, self.whole, combine(self.parts))
        self.parts, self._saved_parts = [], 0
        self._remember(second)
        if self.unsaved is not None:
            self.unsaved.append(second)
        sums = second.sums
        self._publish("1s", end, [sums], last if sums.updates else None)
        self._publish("10s", end, [each.sums for each in self.seconds if each.start >= end - TEN_SECONDS_MS], None)
        if end % MINUTE_MS == 0:
            assert self.minute is not None
            self._publish("1m", end, [self.minute], None)

    def _remember(self, second: Second) -> None:
        """Add a closed second to what later windows and rules need."""
        if self.minute is None or second.start % MINUTE_MS == 0:
            self.minute = second.sums
        else:
            self.minute = combine([self.minute, second.sums])
        self.seconds.append(second)
        if second.whole:
            self.history.add(second.sums)
        else:
            self.history.clear()

    def take_changes(self, everything: bool) -> WindowChanges:
        """Changes since the last call, or the whole state."""
        seconds, self.unsaved = self.unsaved, []
        saved = None
        if everything or seconds is None:
            saved = SavedWindows(self.minute, list(self.seconds), list(self.history.readings))
            self._saved_parts = 0
        parts, self._saved_parts = self.parts[self._saved_parts :], len(self.parts)
        return WindowChanges(self.position, self.whole, parts, [] if saved else seconds or [], saved)

    def restore(self, changes: WindowChanges) -> None:
        """Apply the next entry of the journal."""
        if changes.saved is not None:
            self._restore(changes.saved)
        for second in changes.seconds:
            self._remember(second)
        if changes.seconds or changes.saved is not None:
            self.parts = []
        self.parts.extend(changes.parts)
        self._saved_parts, self.unsaved = len(self.parts), []
        self.position, self.whole = changes.position, changes.whole

    def _restore(self, saved: SavedWindows) -> None:
        self.minute = saved.minute
        self.seconds = deque(saved.seconds, TEN_SECONDS_MS // SECOND_MS)
        newest = [second.sums for second in saved.seconds]
        self.history.restore(saved.history, newest[max(len(newest) - len(saved.history), 0) :])

    def _publish(self, size: WindowSize, end: int, parts: Sequence[Sums], last: Processed | None) -> None:
        # Lists, not generators: a quiet book looks at all parts, each second.
        if any([part.updates or part.out_of_sync_ms for part in parts]) and any([part.ticks for part in parts]):
            self.lines.append(_encode(window(self._venue, self._symbol, size, end, combine(parts), last)))


def window(venue: str, symbol: str, size: WindowSize, end: int, sums: Sums, last: Processed | None) -> Window:
    """The record of a window with these sums."""
    updates, valid_ms = sums.updates, sums.valid_ms
    return Window(
        venue,
        symbol,
        size,
        end - LENGTHS[size],
        end,
        updates,
        sums.imbalance_open,
        sums.imbalance_high,
        sums.imbalance_low,
        sums.imbalance_close,
        _ratio(sums.imbalance_sum, sums.imbalance_count),
        _ratio(sums.imbalance_integral, valid_ms),
        sums.weighted_open,
        sums.weighted_high,
        sums.weighted_low,
        sums.weighted_close,
        _ratio(sums.weighted_sum, sums.weighted_count),
        _ratio(sums.spread_integral, valid_ms),
        _ratio(sums.spread_bps_sum, sums.spread_bps_count),
        _ratio(sums.bid_depth_sum, updates),
        _ratio(sums.ask_depth_sum, updates),
        sums.ofi_sum if sums.ofi_count else None,
        sums.microprice_last,
        sums.out_of_sync_ms / LENGTHS[size],
        sums.late,
        last,
    )


def _ratio(total: float, count: int) -> float | None:
    return total / count if count else None


def _ceil(time: int, step: int) -> int:
    return -(-time // step) * step
