"""When the next timer of a key fires: at times of the key's own grid, and later while timers take most of the time."""

from dataclasses import dataclass, field
from math import ceil
from zlib import crc32

from market.orderbook.quiet_clock import QuietClocks

LARGEST_SHARE = 0.5  # of an operator's time, for timers
PERIOD_S = 2.0
LONGEST_STRETCH = 16.0


@dataclass(slots=True)
class KeyTiming:
    """Times of one key: its pending timer, 0 without one; its last record; number of idle timeouts since then.

    `needs_timer`: its builder waits for timers, for none before `due` if no record comes. `clocks`: of the builder.
    `busy_polls`: number of timers in a row that found new records: a busy key has half as many timers, since its
    records publish what is due.
    """

    timer: int = 0
    last: int = 0
    passed: int = 0
    needs_timer: bool = True
    due: int = 0
    busy_polls: int = 0
    clocks: QuietClocks = field(default_factory=QuietClocks)

    def next_poll(self, key: str, now: int, every_ms: int, stretch: float) -> int:
        """Time of the next poll after `now` (epoch ms), on a grid of a multiple of `every_ms`.

        The grids of keys begin at different times. Timers of all keys at one time would keep the operator from its
        records meanwhile.
        """
        step_ms = every_ms * ceil(2 * stretch if self.busy_polls > 1 else stretch)
        earliest = max(self.due, now + 1)
        return earliest + (crc32(key.encode()) - earliest) % step_ms


class TimerPace:
    """Share of an operator's time that its timers take, and how much longer their steps become.

    Flink fires all timers that are due before it reads a record. Without a bound, the timers of more quiet keys than
    the operator has time for would keep it from its records for ever, and so keep the keys quiet. `stretch`: factor of
    their steps, 1 while they take at most LARGEST_SHARE.
    """

    def __init__(self, now_s: float) -> None:
        self.stretch = 1.0
        self._since = now_s
        self._busy = 0.0

    def add(self, began_s: float, ended_s: float) -> None:
        """Count a timer that took this time, on any clock."""
        self._busy += ended_s - began_s
        lasted = ended_s - self._since
        if lasted < PERIOD_S * self.stretch:  # long enough for the timers of every key
            return
        self.stretch = min(max(1.0, self.stretch * self._busy / lasted / LARGEST_SHARE), LONGEST_STRETCH)
        self._since, self._busy = ended_s, 0.0
