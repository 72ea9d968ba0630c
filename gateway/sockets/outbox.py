"""Messages that wait for a client that reads slowly."""

from collections import Counter, deque
from collections.abc import Hashable

from gateway.sockets.frames import frame_of

MAX_EVENTS = 1000


class Outbox:
    """Newest value of each key, and a bounded queue of events that nothing may replace (alerts, trades).

    Events go first. A full queue loses its oldest event; the client then gets `dropped` with the number of each kind.
    """

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._latest: dict[Hashable, bytes] = {}
        self._events: deque[tuple[str, bytes]] = deque()
        self._max_events = max_events
        self._dropped: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._latest) + len(self._events) + len(self._dropped)

    def put_latest(self, key: Hashable, frame: bytes) -> bool:
        """Add the newest value of a key. True if it replaced one that was not sent."""
        replaced = key in self._latest
        self._latest[key] = frame
        return replaced

    def put_event(self, kind: str, frame: bytes) -> bool:
        """Add an event. True if an older one was lost."""
        full = len(self._events) >= self._max_events
        if full:
            self._dropped[self._events.popleft()[0]] += 1
        self._events.append((kind, frame))
        return full

    def take(self) -> bytes:
        """The next frame. Raises StopIteration if there is none."""
        if self._dropped:
            kind, count = self._dropped.popitem()
            return frame_of("dropped", {"event": kind, "count": count})
        if self._events:
            return self._events.popleft()[1]
        return self._latest.pop(next(iter(self._latest)))
