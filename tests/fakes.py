"""All the Flink there is in unit tests: list state, a timer service, and the contexts that carry them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any


class ListState:
    """Keyed list state; `written` counts the bytes it was given."""

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


class FakeContext:
    """Runtime context, element context and timer service in one; the test sets the current key and the wall clock."""

    def __init__(self) -> None:
        self.key = ""
        self.now = 0
        self.timers: set[tuple[str, int]] = set()
        self.states: dict[str, ListState] = {}

    def get_list_state(self, descriptor: Any) -> ListState:
        return self.states.setdefault(descriptor.name, ListState(self))

    def get_current_key(self) -> str:
        return self.key

    def timer_service(self) -> "FakeContext":
        return self

    def current_processing_time(self) -> int:
        return self.now

    def register_processing_time_timer(self, time: int) -> None:
        self.timers.add((self.key, time))
