"""Latency of alerts against conditions that were planted: pure, times are passed in."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from core.records import Alert

MATCH_MS = 15_000  # an alert that begins later than this after a condition is that of another one


class Planted(NamedTuple):
    """A condition: book, rule, its case, event time of its begin, and the time for which it must have held (ms)."""

    book: str
    rule: str
    case: str
    begin_ms: int
    held_ms: int


class Result(NamedTuple):
    """Milliseconds from the moment at which conditions had held to the arrival of their alerts.

    `alerts`: number of conditions with an alert; `missed`: those without. Percentiles are None without an alert.
    """

    alerts: int
    missed: int
    p50_ms: float | None
    p99_ms: float | None


class Latencies:
    """Matches each alert with the condition that it belongs to, and collects latencies by case."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], deque[Planted]] = defaultdict(deque)
        self._found: dict[str, list[float]] = defaultdict(list)
        self._missed: dict[str, int] = defaultdict(int)

    def plant(self, planted: Planted) -> None:
        """Expect the alert of a condition."""
        self._waiting[planted.book, planted.rule].append(planted)

    def arrive(self, alert: Alert, arrived_ms: float) -> bool:
        """Process an alert that has arrived (epoch ms). True if a planted condition has raised it.

        That is the newest one that had held at the alert's event time; older ones that still wait are missed.
        """
        if alert.phase != "enter":
            return False
        waiting, planted = self._waiting[f"{alert.venue}:{alert.symbol}", alert.rule], None
        while waiting and waiting[0].begin_ms + waiting[0].held_ms <= alert.event_time:
            if planted is not None:
                self._missed[planted.case] += 1
            planted = waiting.popleft()
        if planted is None:
            return False
        if alert.event_time - planted.begin_ms > MATCH_MS:
            self._missed[planted.case] += 1
            return False
        self.measure(planted.case, arrived_ms - planted.begin_ms - planted.held_ms)
        return True

    def measure(self, case: str, latency_ms: float) -> None:
        """Add one latency to a case."""
        self._found[case].append(latency_ms)

    def finish(self) -> dict[str, Result]:
        """Results by case; conditions that still wait for their alert are missed."""
        for waiting in self._waiting.values():
            while waiting:
                self._missed[waiting.popleft().case] += 1
        cases = dict.fromkeys((*self._found, *self._missed))
        return {case: _result(self._found[case], self._missed[case]) for case in cases}


def _result(latencies: Sequence[float], missed: int) -> Result:
    ordered = sorted(latencies)
    return Result(len(ordered), missed, percentile(ordered, 0.5), percentile(ordered, 0.99))


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that is not below this share of the values; None without values."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
