"""Time without records of one key, measured by the calls of a timer.

It decides the time at which ticks are published, not their content. `market/orderbook/sync_state.py` declares a book
stale.
"""

from dataclasses import dataclass, field

RESTORED_GRACE_MS = 10_000  # records that arrived while a job was stopped are still to come
LONGEST_STEP_MS = 1_000  # between two calls; a task that was blocked has records to read


@dataclass(slots=True)
class QuietClock:
    """Counts from the first call after the newest record. `quiet`: the time so far, in ms; negative: a grace period."""

    quiet: int = 0
    records: int = -1
    called_ms: int = 0

    def quiet_ms(self, now_ms: int, records: int, longest_step_ms: int = LONGEST_STEP_MS) -> int:
        """Time without records, not over that since the last call. `records`: number of records up to now."""
        if records == self.records:
            self.quiet += max(0, min(now_ms - self.called_ms, longest_step_ms))
        elif self.records >= 0:
            self.quiet = 0
        self.records, self.called_ms = records, now_ms
        return self.quiet


@dataclass(slots=True)
class QuietClocks:
    """Clocks of a key's book and of its trades."""

    book: QuietClock = field(default_factory=QuietClock)
    trades: QuietClock = field(default_factory=QuietClock)

    @property
    def had_records(self) -> bool:
        """True if the book or its trades had records before the last call."""
        return self.book.quiet == 0 or self.trades.quiet == 0

    @classmethod
    def restored(cls) -> "QuietClocks":
        """Clocks of a key that may have had records before a restart."""
        return cls(QuietClock(-RESTORED_GRACE_MS), QuietClock(-RESTORED_GRACE_MS))
