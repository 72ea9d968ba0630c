"""Latency of alerts against conditions that were planted: pure, times are passed in."""

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from core.records import Alert

# An alert whose event time is later than this after the moment at which a condition had held has another cause.
MATCH_MS = 2_000


class Planted(NamedTuple):
    """A condition: book, rule, its case, event time of its begin, and the time for which it must have held (ms)."""

    book: str
    rule: str
    case: str
    begin_ms: int
    held_ms: int


class Found(NamedTuple):
    """Milliseconds from the moment at which a condition had held to its alert, and to the tick that raised it.

    `tick_ms` is None if the tick is unknown.
    """

    latency_ms: float
    rule: str = ""
    tick_ms: float | None = None


class Result(NamedTuple):
    """Milliseconds from the moment at which conditions had held to the arrival of their alerts.

    `alerts`: number of conditions with an alert; `missed`: those without; `slowest`: the latest alert. Percentiles are
    None without an alert.
    """

    alerts: int
    missed: int
    p50_ms: float | None
    p99_ms: float | None
    slowest: Found | None


class Arrival(NamedTuple):
    """Event time of an alert or end of a tick, and the time at which a reader had it (epoch ms)."""

    event_ms: int
    arrived_ms: float


class Latencies:
    """Matches alerts with the conditions that they belong to once both are known, and collects latencies by case.

    An alert may arrive before its condition is noted: the simulated market acts before its answer is read.
    """

    def __init__(self) -> None:
        self._planted: dict[tuple[str, str], list[Planted]] = defaultdict(list)
        self._arrived: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self._ticks: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self._found: dict[str, list[Found]] = defaultdict(list)
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

    def note_tick(self, book: str, kind: str, end_ms: int, arrived_ms: float) -> None:
        """Keep the arrival of a tick (epoch ms) if it is a later one of its kind."""
        ticks = self._ticks[book, kind]
        if not ticks or end_ms > ticks[-1].event_ms:
            ticks.append(Arrival(end_ms, arrived_ms))

    def measure(self, case: str, latency_ms: float) -> None:
        """Add one latency to a case."""
        self._found[case].append(Found(latency_ms))

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
            if held and event_ms - _held_at(held[-1]) <= MATCH_MS:
                planted = held.pop()
                held_at, tick_ms = _held_at(planted), self._tick_ms(planted, event_ms)
                self._found[planted.case].append(Found(arrived_ms - held_at, planted.rule, tick_ms))
            self.missed.extend(held)
        self.missed.extend(waiting)

    def _tick_ms(self, planted: Planted, event_ms: int) -> float | None:
        """Latency of the tick that raised an alert: the first one that ends after its event time, or with the hold."""
        ticks = self._ticks[planted.book, "trade" if planted.rule == "trade_sweep" else "book"]
        end_ms = event_ms if planted.held_ms else event_ms + 1
        place = bisect_left(ticks, end_ms, key=attrgetter("event_ms"))
        return ticks[place].arrived_ms - _held_at(planted) if place < len(ticks) else None


def _held_at(planted: Planted) -> int:
    return planted.begin_ms + planted.held_ms


def _result(found: Sequence[Found], missed: int) -> Result:
    ordered = sorted(each.latency_ms for each in found)
    slowest = max(found, key=attrgetter("latency_ms"), default=None)
    return Result(len(ordered), missed, percentile(ordered, 0.5), percentile(ordered, 0.99), slowest)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that is not below this share of the values; None without values."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None
