"""A requested span, as the gateway passes it to the process that rebuilds it."""

from typing import Literal

import msgspec
from msgspec import Struct

LATE_MS = 5_000  # a frame reaches the broker at most that much after its receipt
Timed = tuple[int, bytes]  # append time at the broker, epoch ms, and the record
ReplaySource = Literal["auto", "topic", "recording", "database"]


class ReplayRequest(Struct, frozen=True):
    """A span of one book in epoch ms, by the receive times of frames. `start_ms`: time from which frames are read.

    `every_ms`: least time between two books that are sent; 0: every update. `recording`: folder of
    `depthflow record`, or empty.
    """

    venue: str
    symbol: str
    from_ms: int
    to_ms: int
    start_ms: int
    every_ms: int = 0
    source: ReplaySource = "auto"
    recording: str = ""

    @property
    def key(self) -> str:
        """Record key, `venue:symbol`."""
        return f"{self.venue}:{self.symbol}"


class ReplayUnavailable(Exception):
    """A source does not have the span; the text says why."""


def event_line(time_ms: int, event: str, payload: bytes) -> bytes:
    """One event as a line of JSON. `payload`: encoded JSON."""
    return b'{"time":%d,"event":"%b","payload":%b}\n' % (time_ms, event.encode(), payload)


def line(time_ms: int, event: str, payload: object) -> bytes:
    """The same with a payload that is not encoded yet."""
    return event_line(time_ms, event, msgspec.json.encode(payload))
