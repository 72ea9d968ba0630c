"""Samples of Prometheus' text format, rates of counters, and quantiles of histograms."""

from collections import deque
from collections.abc import Hashable

from prometheus_client.parser import text_string_to_metric_families

WINDOW_S = 30.0
KEPT_S = 600.0  # a counter that nobody asked about for so long is forgotten when a new one comes
Labels = dict[str, str]


class Samples:
    """The samples of one scrape, by name. Raises ValueError for text in another format."""

    def __init__(self, text: str) -> None:
        self._by_name: dict[str, list[tuple[Labels, float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._by_name.setdefault(sample.name, []).append((sample.labels, sample.value))

    def of(self, name: str) -> list[tuple[Labels, float]]:
        """Labels and value of every sample of a name."""
        return self._by_name.get(name, [])

    def total(self, name: str) -> float | None:
        """Sum over all labels; None for an unknown name."""
        return sum(value for _, value in self.of(name)) if name in self._by_name else None

    def largest(self, name: str) -> float | None:
        """Largest value over all labels."""
        return max((value for _, value in self.of(name)), default=None)

    def buckets(self, name: str) -> dict[float, float]:
        """Cumulative counts of a histogram by upper bound, over all labels."""
        found: dict[float, float] = {}
        for labels, value in self.of(f"{name}_bucket"):
            bound = float(labels["le"])
            found[bound] = found.get(bound, 0.0) + value
        return found


class Rates:
    """Increase of counters over about WINDOW_S. Times in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, deque[tuple[float, float]]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def per_second(self, key: Hashable, value: float | None, now_s: float) -> float | None:
        """Rate of a counter. None until it was seen twice; a counter that restarted counts from 0."""
        span = self._span(key, value, now_s)
        return span[0] / span[1] if span else None

    def increase(self, key: Hashable, value: float | None, now_s: float) -> float | None:
        """Increase of a counter within the window."""
        span = self._span(key, value, now_s)
        return span[0] if span else None

    def _span(self, key: Hashable, value: float | None, now_s: float) -> tuple[float, float] | None:
        if value is None:
            self._seen.pop(key, None)
            return None
        if key not in self._seen:
            self._forget(now_s - KEPT_S)
        seen = self._seen.setdefault(key, deque())
        if seen and value < seen[-1][1]:
            seen.clear()
        seen.append((now_s, value))
        while len(seen) > 2 and now_s - seen[1][0] >= WINDOW_S:
            seen.popleft()
        (first_s, first), (last_s, last) = seen[0], seen[-1]
        return (last - first, last_s - first_s) if last_s > first_s else None

    def _forget(self, before_s: float) -> None:
        """Drop counters that were last seen before this time: of jobs and processes that have ended."""
        for key in [key for key, seen in self._seen.items() if seen[-1][0] < before_s]:
            del self._seen[key]


def quantile(buckets: dict[float, float], share: float) -> float | None:
    """Value below which a share of the observations lies, interpolated within its bucket; None without any.

    `buckets`: counts up to each upper bound. Beyond the last finite bound it is that bound.
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    wanted, lower, before = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= wanted:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * ((wanted - before) / (count - before) if count > before else 0.0)
        lower, before = bound, count
    return lower
