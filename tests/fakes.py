"""Fakes of Flink for unit tests: list and broadcast state, a timer service, and the contexts that provide them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any


class ListState:
    """Keyed list state; `written`: number of bytes written."""

    def __init__(self, context: "FakeContext") -> None:
        self._context = context
        self.entries: defaultdict[str, list[bytes]] = defaultdict(list)
        self.written = 0

    def get(self) -> Iterable[bytes]:
        return list(self.entries[self._context.key])

    def add(self, value: bytes) -> None:
        self.written += len(value)
        self.entries[self._context.key].append(value)

    def update(self, values: list[bytes]) -> None:
        self.written += sum(map(len, values))
        self.entries[self._context.key] = list(values)

    def clear(self) -> None:
        self.entries.pop(self._context.key, None)


class BroadcastState(dict[str, bytes]):
    """Broadcast state: a map."""

    def put(self, key: str, value: bytes) -> None:
        self[key] = value


class FakeMetrics:
    """A group of metrics with its subgroups; `values`: by path, counters as sums and distributions as newest values."""

    def __init__(self, path: str = "", values: dict[str, int] | None = None) -> None:
        self._path = path
        self.values: dict[str, int] = {} if values is None else values

    def add_group(self, name: str, extra: str | None = None) -> "FakeMetrics":
        return FakeMetrics(f"{self._path}{name}." + (f"{extra}." if extra else ""), self.values)

    def counter(self, name: str) -> "FakeMetrics":
        self.values.setdefault(self._path + name, 0)
        return FakeMetrics(self._path + name, self.values)

    distribution = counter

    def inc(self, count: int = 1) -> None:
        self.values[self._path] += count

    def update(self, value: int) -> None:
        self.values[self._path] = value


class FakeContext:
    """Runtime context, element context and timer service in one; the test sets current key and wall clock."""

    def __init__(self) -> None:
        self.key = ""
        self.now = 0
        self.timers: set[tuple[str, int]] = set()
        self.states: dict[str, ListState] = {}
        self.broadcast: defaultdict[str, BroadcastState] = defaultdict(BroadcastState)
        self.metrics = FakeMetrics()

    def get_metrics_group(self) -> FakeMetrics:
        return self.metrics

    def get_list_state(self, descriptor: Any) -> ListState:
        return self.states.setdefault(descriptor.name, ListState(self))

    def get_broadcast_state(self, descriptor: Any) -> BroadcastState:
        return self.broadcast[descriptor.name]

    def get_current_key(self) -> str:
        return self.key

    def timer_service(self) -> "FakeContext":
        return self

    def current_processing_time(self) -> int:
        return self.now

    def register_processing_time_timer(self, time: int) -> None:
        self.timers.add((self.key, time))

    def delete_processing_time_timer(self, time: int) -> None:
        self.timers.discard((self.key, time))
