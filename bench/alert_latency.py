"""Latency of alerts against conditions that were planted: pure, times are passed in."""

from collections import Counter, defaultdict, deque
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


class Arrival(NamedTuple):
    """Event time of an alert, and the time at which a reader had it (epoch ms)."""

    event_ms: int
    arrived_ms: float


class Latencies:
    """Matches alerts with the conditions that they belong to once both are known, and collects latencies by case.

    An alert may arrive before its condition is noted: the simulated market acts before its answer is read.
    """

    def __init__(self) -> None:
        self._planted: dict[tuple[str, str], list[Planted]] = defaultdict(list)
        self._arrived: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self._found: dict[str, list[float]] = defaultdict(list)
        self.missed: list[Planted] = []

    def plant(self, planted: Planted) -> None:
        """Expect the alert of a condition."""
        self._planted[planted.book, planted.rule].append(planted)

    def arrive(self, alert: Alert, arrived_ms: float) -> bool:
        """Keep an alert that has arrived (epoch ms) if it is a new one. True if conditions of its rule were planted."""
        key = f"{alert.venue}:{alert.symbol}", alert.rule
        if alert.phase == "enter":
            self._arrived[key].append(Arrival(alert.event_time, arrived_ms))
        return alert.phase == "enter" and key in self._planted

    def measure(self, case: str, latency_ms: float) -> None:
        """Add one latency to a case."""
        self._found[case].append(latency_ms)

    def finish(self) -> dict[str, Result]:
        """Results by case. `missed` are then the conditions without an alert."""
        for key, planted in self._planted.items():
            self._match(deque(sorted(planted, key=_held_at)), sorted(self._arrived[key]))
        self._planted.clear()
        missed = Counter(each.case for each in self.missed)
        cases = dict.fromkeys((*self._found, *missed))
        return {case: _result(self._found[case], missed[case]) for case in cases}

    def _match(self, waiting: deque[Planted], arrivals: Sequence[Arrival]) -> None:
        """An alert belongs to the newest condition that had held at its event time; older ones that wait are missed."""
        for event_ms, arrived_ms in arrivals:
            held: list[Planted] = []
            while waiting and _held_at(waiting[0]) <= event_ms:
                held.append(waiting.popleft())
            if held and event_ms - held[-1].begin_ms <= MATCH_MS:
                planted = held.pop()
                self.measure(planted.case, arrived_ms - _held_at(planted))
            self.missed.extend(held)
        self.missed.extend(waiting)


def _held_at(planted: Planted) -> int:
    return planted.begin_ms + planted.held_ms


def _result(latencies: Sequence[float], missed: int) -> Result:
    ordered = sorted(latencies)
    return Result(len(ordered), missed, percentile(ordered, 0.5), percentile(ordered, 0.99))


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that is not below this share of the values; None without values."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
