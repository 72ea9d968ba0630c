"""Metrics of the operators, by venue. They are updated once per batch, never per record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from pyflink.metrics import MetricGroup

from core import topics
from core.topics import Topic
from venues.registry import VENUES

PROMPT_MS = 500  # objective: an update is processed within this time of its receipt (docs/operations.md)
OTHER = "other"  # label of keys without a known venue: the set of labels is bounded
IN_SYNC = "in sync"


class Times(msgspec.Struct):
    """Times of an output record: epoch milliseconds, and microseconds of the receipt where the record has one."""

    event_time: int
    recv_us: int | None = None


class State(msgspec.Struct):
    """State in a status record."""

    state: str


_times = msgspec.json.Decoder(Times).decode
_state = msgspec.json.Decoder(State).decode


@dataclass(frozen=True)
class BatchSummary:
    """One batch of a key: records read, lines by topic, and the state of the builder afterwards."""

    key: str
    records: int
    lines: Iterable[tuple[Topic, Sequence[bytes]]]
    state: str


class VenueMetrics:
    """Counters and gauges of one venue.

    Gauges are distributions, which keep their newest value in Java: a gauge of PyFlink calls Python from a thread of
    the reporter.
    """

    def __init__(self, group: MetricGroup) -> None:
        self.frames = group.counter("frames")
        self.applied = group.counter("applied")
        self.prompt = group.counter("prompt")
        self.gaps = group.counter("gaps")
        self.stale = group.counter("stale")
        self.dead_letters = group.counter("dead_letters")
        self.lag_ms = group.distribution("lag_ms")
        self.keys = group.distribution("keys")
        self.out_of_sync = group.distribution("out_of_sync")
        self._known: set[str] = set()
        self._lost: set[str] = set()

    def note_state(self, key: str, state: str) -> None:
        """Follow the number of keys, and of those out of sync or stale. Most batches change neither."""
        is_lost = state != IN_SYNC
        if key in self._known and (key in self._lost) == is_lost:
            return
        self._known.add(key)
        (self._lost.add if is_lost else self._lost.discard)(key)
        self._show()

    def forget(self, key: str) -> None:
        self._known.discard(key)
        self._lost.discard(key)
        self._show()

    def _show(self) -> None:
        self.keys.update(len(self._known))
        self.out_of_sync.update(len(self._lost))


class OperatorMetrics:
    """Metrics of one operator instance, with the label `venue`.

    `frames`: records read; `applied`: records of updates or chains emitted; `prompt`: those of them that were emitted
    within PROMPT_MS of the receipt of their batch's first one; `gaps`, `stale`: changes to that state; `dead_letters`;
    `lag_ms`: time from the venue's stamp to now, of the newest record; `keys`, `out_of_sync`: books or chains known to
    this instance, and those of them that are not in sync.
    """

    def __init__(self, group: MetricGroup) -> None:
        self._group = group.add_group("depthflow")
        self._venues: dict[str, VenueMetrics] = {}

    def count(self, batch: BatchSummary, now_ms: int) -> None:
        """Add one batch, emitted at `now_ms` (epoch ms)."""
        metrics = self._of(batch.key)
        metrics.frames.inc(batch.records)
        for topic, lines in batch.lines:
            if not lines:
                continue
            if topic in (topics.PROCESSED, topics.OPTION_CHAINS):
                _count_applied(metrics, lines, now_ms)
            elif topic is topics.STATUS:
                states = [_state(line).state for line in lines]
                metrics.gaps.inc(states.count("gap"))
                metrics.stale.inc(states.count("stale"))
            elif topic is topics.DEAD_LETTERS:
                metrics.dead_letters.inc(len(lines))
        metrics.note_state(batch.key, batch.state)

    def forget(self, key: str) -> None:
        """Remove a key whose state was deleted."""
        self._of(key).forget(key)

    def _of(self, key: str) -> VenueMetrics:
        name = key.partition(":")[0]
        venue = name if name in VENUES else OTHER
        if venue not in self._venues:
            self._venues[venue] = VenueMetrics(self._group.add_group("venue", venue))
        return self._venues[venue]


def _count_applied(metrics: VenueMetrics, lines: Sequence[bytes], now_ms: int) -> None:
    first, last = _times(lines[0]), _times(lines[-1])
    received_ms = first.event_time if first.recv_us is None else first.recv_us // 1000
    metrics.applied.inc(len(lines))
    metrics.prompt.inc(len(lines) if now_ms - received_ms <= PROMPT_MS else 0)
    metrics.lag_ms.update(now_ms - last.event_time)
