"""One client's connection as the exchange sees it, without a socket: texts in, things to send out.

Every call is told the time in epoch seconds by a clock that never steps back.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from math import inf
from typing import Any, NamedTuple, TypeAlias

import msgspec

from ingestion.simulator.limits import Limits, Window
from ingestion.simulator.listing import Publication

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
TOO_BIG = 1009


class Ping(NamedTuple):
    """A WebSocket ping."""

    payload: bytes


class Pong(NamedTuple):
    """The answer to a ping."""

    payload: bytes


class Close(NamedTuple):
    """End of the connection, by a close frame with this code."""

    code: int
    reason: str


class Snapshot(NamedTuple):
    """The in-band snapshot of a stream, made when it is sent: a slow exchange sends it late, not old."""

    stream: str


Out: TypeAlias = bytes | Ping | Pong | Close | Snapshot
Timer: TypeAlias = Callable[[float], Iterable[Out]]


class Session(ABC):
    """What all venues have in common: lifetime, pings, limits. A venue adds its commands.

    `streams` are those to be sent; `refusing` is a fault: subscriptions are answered with an error.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self.streams: dict[str, None] = {}
        self.refusing = False
        self._limits = limits
        self._incoming = Window(limits.incoming_per_s, 1.0)
        self._timers: dict[Timer, float] = {}
        self._after(limits.lifetime_s, self._expire, now)
        self._after(limits.ping_every_s, self._ping, now)

    def opened(self, now: float) -> Iterable[Out]:
        """What is sent unasked to a new connection."""
        return ()

    def received(self, text: bytes, now: float) -> Iterable[Out]:
        """One message of the client."""
        if len(text) > self._limits.incoming_bytes:
            return [Close(TOO_BIG, "Request entity too large")]
        if not self._incoming.admit(now):
            return [Close(POLICY_VIOLATION, "Too many requests")]
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return [self._not_json(str(error))]
        return self._command(message if isinstance(message, dict) else {}, now)

    def pinged(self, payload: bytes, now: float) -> Iterable[Out]:
        """A ping of the client."""
        return [Pong(payload) if self._incoming.admit(now) else Close(POLICY_VIOLATION, "Too many requests")]

    def ponged(self, now: float) -> Iterable[Out]:
        """A pong of the client."""
        self._timers.pop(self._unanswered, None)
        return () if self._incoming.admit(now) else [Close(POLICY_VIOLATION, "Too many requests")]

    def deadline(self) -> float:
        """When `tick` is due; infinite when nothing is."""
        return min(self._timers.values(), default=inf)

    def tick(self, now: float) -> list[Out]:
        """Do what is due."""
        out: list[Out] = []
        for timer, due in list(self._timers.items()):
            if due <= now and self._timers.pop(timer, None) is not None:
                out += timer(now)
        return out

    def dress(self, publication: Publication) -> bytes:
        """The frame as this connection gets it."""
        return publication.frame

    def farewell(self, now: float) -> Iterable[Out]:
        """What is said before a planned restart."""
        return ()

    @abstractmethod
    def _command(self, message: dict[str, Any], now: float) -> Iterable[Out]:
        """What one request brings."""

    @abstractmethod
    def _not_json(self, reason: str) -> bytes:
        """What is said to a text that is no request."""

    def _after(self, seconds: float, timer: Timer, now: float) -> None:
        if seconds != inf:
            self._timers[timer] = now + seconds

    def _expire(self, now: float) -> Iterable[Out]:
        return [Close(GOING_AWAY, "lifetime is over")]

    def _ping(self, now: float) -> Iterable[Out]:
        self._after(self._limits.ping_every_s, self._ping, now)
        if self._unanswered not in self._timers:
            self._after(self._limits.pong_within_s, self._unanswered, now)
        return [Ping(str(int(now * 1000)).encode())]

    def _unanswered(self, now: float) -> Iterable[Out]:
        return [Close(POLICY_VIOLATION, "Pong timeout")]


def names(value: Any) -> Collection[str] | None:
    """The list of strings that a request must hold; None when it does not."""
    return value if isinstance(value, list) and all(isinstance(name, str) for name in value) else None
