"""One client's connection on the exchange's side, without a socket: requests in, frames to send out.

Every call receives the time in epoch seconds from a clock that never steps back.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from math import inf
from typing import Any, NamedTuple, TypeAlias

import msgspec

from simulator.limits import Limits, Window
from simulator.publication import Publication

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
TOO_BIG = 1009


class Ping(NamedTuple):
    """A WebSocket ping."""

    payload: bytes


class Pong(NamedTuple):
    """The reply to a ping."""

    payload: bytes


class Close(NamedTuple):
    """End of the connection, with a close frame of this code."""

    code: int
    reason: str


class SnapshotOf(NamedTuple):
    """The in-band snapshot of a stream. It is made when it is sent: a slow exchange sends it late, but current."""

    stream: str


Outgoing: TypeAlias = bytes | Ping | Pong | Close | SnapshotOf
Timer: TypeAlias = Callable[[float], Iterable[Outgoing]]


class ServerSession(ABC):
    """The common part of all venues: lifetime, pings, limits. A venue adds its requests.

    `streams` are the subscribed streams; `refusing` is a fault: subscriptions are refused with an error.
    """

    def __init__(self, limits: Limits, now: float) -> None:
        self.streams: dict[str, None] = {}
        self.refusing = False
        self._limits = limits
        self._incoming = Window(limits.incoming_per_s, 1.0)
        self._timers: dict[Timer, float] = {}
        self._after(limits.lifetime_s, self._expire, now)
        self._after(limits.ping_every_s, self._ping, now)

    def opened(self, now: float) -> Iterable[Outgoing]:
        """Frames that every new connection receives first."""
        return ()

    def received(self, text: bytes, now: float) -> Iterable[Outgoing]:
        """Replies to one message of the client."""
        if len(text) > self._limits.incoming_bytes:
            return [Close(TOO_BIG, "Request entity too large")]
        if not self._incoming.admit(now):
            return [Close(POLICY_VIOLATION, "Too many requests")]
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return [self._not_json(str(error))]
        return self._handle(message if isinstance(message, dict) else {}, now)

    def pinged(self, payload: bytes, now: float) -> Iterable[Outgoing]:
        """Reply to a ping of the client."""
        return [Pong(payload) if self._incoming.admit(now) else Close(POLICY_VIOLATION, "Too many requests")]

    def ponged(self, now: float) -> Iterable[Outgoing]:
        """Reply to a pong of the client."""
        self._timers.pop(self._pong_timeout, None)
        return () if self._incoming.admit(now) else [Close(POLICY_VIOLATION, "Too many requests")]

    def deadline(self) -> float:
        """Time at which `tick` is due; infinite without a timer."""
        return min(self._timers.values(), default=inf)

    def tick(self, now: float) -> list[Outgoing]:
        """Frames of the timers that are due."""
        out: list[Outgoing] = []
        for timer, due in list(self._timers.items()):
            if due <= now and self._timers.pop(timer, None) is not None:
                out += timer(now)
        return out

    def encode(self, publication: Publication) -> bytes:
        """The publication's frame in the form of this connection."""
        return publication.frame

    def closing_frames(self, now: float) -> Iterable[Outgoing]:
        """Frames that announce a planned restart."""
        return ()

    @abstractmethod
    def _handle(self, message: dict[str, Any], now: float) -> Iterable[Outgoing]:
        """Replies to one request."""

    @abstractmethod
    def _not_json(self, reason: str) -> bytes:
        """Reply to a text that is not JSON."""

    def _after(self, seconds: float, timer: Timer, now: float) -> None:
        if seconds != inf:
            self._timers[timer] = now + seconds

    def _expire(self, now: float) -> Iterable[Outgoing]:
        return [Close(GOING_AWAY, "lifetime is over")]

    def _ping(self, now: float) -> Iterable[Outgoing]:
        self._after(self._limits.ping_every_s, self._ping, now)
        if self._pong_timeout not in self._timers:
            self._after(self._limits.pong_within_s, self._pong_timeout, now)
        return [Ping(str(int(now * 1000)).encode())]

    def _pong_timeout(self, now: float) -> Iterable[Outgoing]:
        return [Close(POLICY_VIOLATION, "Pong timeout")]


def parse_names(value: Any) -> Collection[str] | None:
    """The list of strings that a request must contain; None for anything else."""
    return value if isinstance(value, list) and all(isinstance(name, str) for name in value) else None
