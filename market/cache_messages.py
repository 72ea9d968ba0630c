"""Messages of states and alerts for Redis, without a client library."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from core.envelope import DECODE_ERRORS
from core.records import BookState, Status

ALERTS = "alerts"  # channel of all alerts
NEWEST_ALERTS = "alerts:latest"  # sorted set by event time
NEWEST_ALERTS_SIZE = 1_000


class StateMessage(Struct, frozen=True, gc=False):
    """State of a book or option chain: key and channel `status:VENUE:SYMBOL`.

    The newest record of `orderbook.status` with its `record_offset` on that topic. `since`: time from which the book
    has been in this state, which a further record of the same state does not change. A book is to be trusted in the
    state `synced` alone.
    """

    venue: str
    symbol: str
    event_time: int
    state: BookState
    reason: str
    conn: str | None
    expected: int | None
    actual: int | None
    record_offset: int
    since: int


class StateChange(NamedTuple):
    """One change of a state, as the cache stores and publishes it."""

    record_offset: int
    event_time: int
    state: BookState
    message: bytes


class AlertTime(Struct, frozen=True, gc=False):
    """Fields of an alert that place it in the cache."""

    id: str
    event_time: int


_decode_status = msgspec.json.Decoder(Status).decode
_decode_alert = msgspec.json.Decoder(AlertTime).decode
_encode = msgspec.json.Encoder().encode


def state_changes(lines: Iterable[tuple[bytes, int]]) -> Iterator[StateChange]:
    """Changes from records of `orderbook.status` with their offsets, in order. Lines that are no record are skipped."""
    for line, offset in lines:
        try:
            status = _decode_status(line)
        except DECODE_ERRORS:
            continue
        message = StateMessage(**msgspec.structs.asdict(status), record_offset=offset, since=status.event_time)
        yield StateChange(offset, status.event_time, status.state, _encode(message))


def alerts_by_time(lines: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """Event time (epoch ms) and record of each line of `orderbook.alerts`. Lines that are no record are skipped."""
    found = []
    for line in lines:
        try:
            found.append((_decode_alert(line).event_time, line))
        except DECODE_ERRORS:
            continue
    return found
