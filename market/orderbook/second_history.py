"""History of a book for the alert rules: figures of its whole seconds since the last loss of the book."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from math import dist, sqrt
from typing import NamedTuple

from market.orderbook.tick_sums import Sums

SHORT_SECONDS, LONG_SECONDS = 5, 300
Reading = tuple[float | None, float | None]  # mean spread in bps and order flow of one second
READING_BYTES = 80


class Past(NamedTuple):
    """Fields of BookTick of the same names: the last five seconds and the last five minutes."""

    updates_5s: int = 0
    bid_depth_mean_5s: float | None = None
    ask_depth_mean_5s: float | None = None
    spread_bps_median_5m: float | None = None
    spread_seconds_5m: int = 0
    ofi_mean_5m: float | None = None
    ofi_std_5m: float | None = None
    ofi_seconds_5m: int = 0


NO_PAST = Past()


class SecondHistory:
    """Consecutive whole seconds, at most five minutes of them. `readings`: oldest first."""

    __slots__ = ("_past", "_sorted", "_totals", "readings")

    def __init__(self) -> None:
        self.readings: deque[Reading] = deque(maxlen=LONG_SECONDS)
        self._sorted: list[float] = []  # spreads of the readings
        self._totals: deque[tuple[int, float, float]] = deque(maxlen=SHORT_SECONDS)  # updates, sums of depths
        self._past: Past | None = NO_PAST

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        return len(self.readings) * READING_BYTES

    def clear(self) -> None:
        """Forget all seconds: the book was lost, or time began anew."""
        self.readings.clear()
        self._sorted.clear()
        self._totals.clear()
        self._past = NO_PAST

    def restore(self, readings: Iterable[Reading], newest: Iterable[Sums]) -> None:
        """Continue from the readings of all seconds and the sums of the newest ones, oldest first."""
        self.clear()
        self.readings.extend(readings)
        self._sorted = sorted(spread for spread, _ in self.readings if spread is not None)
        self._totals.extend(map(_totals, newest))
        self._past = None

    def add(self, sums: Sums) -> None:
        """Add the second after the newest one."""
        if len(self.readings) == LONG_SECONDS and (oldest := self.readings[0][0]) is not None:
            del self._sorted[bisect_left(self._sorted, oldest)]
        reading = reading_of(sums)
        self.readings.append(reading)
        if reading[0] is not None:
            insort(self._sorted, reading[0])
        self._totals.append(_totals(sums))
        self._past = None

    @property
    def past(self) -> Past:
        """The figures before the open second, computed once a second."""
        if self._past is None:
            self._past = self._compute()
        return self._past

    def _compute(self) -> Past:
        updates, bids, asks = (sum([total[place] for total in self._totals]) for place in range(3))
        flows = [flow for _, flow in self.readings if flow is not None]
        mean = sum(flows) / len(flows) if flows else None
        return Past(
            int(updates),
            bids / updates if updates else None,
            asks / updates if updates else None,
            _median(self._sorted),
            len(self._sorted),
            mean,
            None if mean is None else dist(flows, [mean] * len(flows)) / sqrt(len(flows)),
            len(flows),
        )


def _median(ordered: Sequence[float]) -> float | None:
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2 if count else None


def reading_of(sums: Sums) -> Reading:
    """Mean spread and order flow of one second."""
    spread = sums.spread_bps_sum / sums.spread_bps_count if sums.spread_bps_count else None
    return spread, sums.ofi_sum if sums.ofi_count else None


def _totals(sums: Sums) -> tuple[int, float, float]:
    return sums.updates, sums.bid_depth_sum, sums.ask_depth_sum
