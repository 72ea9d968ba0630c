"""Reading the envelope of a raw record: typed with its frame in one pass, or with the frame left raw.

Unusable    a value that no book may see; its text names what was expected and what came
"""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from market.records import Envelope

MAX_VALUE_BYTES = 8 * 1024 * 1024
HOUR_MS = 3_600_000

Frame = TypeVar("Frame")
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Micros = Annotated[int, Meta(ge=0, lt=2**53)]

# What msgspec may raise on arbitrary bytes; deep nesting ends in RecursionError.
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


class Unusable(Exception):
    """Why a value cannot be used, and `where` the fault lies: key, envelope or frame."""

    def __init__(self, reason: str, where: str = "frame") -> None:
        super().__init__(reason)
        self.where = where


class Heard(Struct, Generic[Frame], gc=False):
    """An envelope whose frame was decoded along with it; beside a frame the last two must be absent."""

    venue: str
    channel: str
    symbol: str
    conn: str
    seq: Count
    recv_us: Micros
    frame: Frame
    frame_text: Raw | UnsetType = UNSET
    event: Raw | UnsetType = UNSET

    @classmethod
    def of(cls, envelope: Envelope, frame: Frame) -> "Heard[Frame]":
        """The same envelope around a frame that was decoded apart from it."""
        return cls(
            envelope.venue, envelope.channel, envelope.symbol, envelope.conn, envelope.seq, envelope.recv_us, frame
        )


class _Bounded(Envelope, frozen=True, gc=False):
    """The envelope with limits on its numbers."""

    seq: Count
    recv_us: Micros


_read = msgspec.json.Decoder(_Bounded).decode


def read(value: bytes, venue: str, symbol: str) -> Envelope:
    """The envelope of one value of the key `venue:symbol`.

    Raises `Unusable` for an empty, oversized, malformed or foreign value.
    """
    check_bytes(value)
    try:
        envelope = _read(value)
    except DECODE_ERRORS as error:
        raise Unusable(f"expected an envelope: {error}", "envelope") from None
    if (envelope.venue, envelope.symbol) != (venue, symbol):
        raise Unusable(f"expected key {venue}:{symbol}, got {envelope.venue}:{envelope.symbol}", "key")
    given = [name for name in ("frame", "frame_text", "event") if getattr(envelope, name) is not UNSET]
    if len(given) != 1:
        raise Unusable(f"expected one of frame, frame_text and event, got {' and '.join(given) or 'none'}", "envelope")
    return envelope


def check_bytes(value: bytes) -> None:
    """Raise `Unusable` unless the value holds something, is small enough, and is UTF-8 from end to end."""
    if not value:
        raise Unusable("expected an envelope, got an empty value", "envelope")
    if len(value) > MAX_VALUE_BYTES:
        raise Unusable(f"expected at most {MAX_VALUE_BYTES} bytes, got {len(value)}", "envelope")
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise Unusable(f"expected UTF-8, got byte 0x{value[error.start]:02x} at {error.start}", "envelope") from None


def frame_of(envelope: Envelope) -> bytes:
    """The venue's bytes. Raises `Unusable` for a frame that was not JSON."""
    if isinstance(envelope.frame, Raw):
        return bytes(envelope.frame)
    raise Unusable(f"expected a JSON frame, got text {str(envelope.frame_text)[:80]!r}")


def check_time(event_time: int, recv_us: int) -> None:
    """Raise `Unusable` for an event time more than an hour past its receipt: it would close every window."""
    if event_time * 1000 - recv_us > HOUR_MS * 1000:
        ahead = event_time - recv_us // 1000
        raise Unusable(
            f"expected an event time at most {HOUR_MS} ms past receipt, got {event_time}, {ahead} ms past it"
        )
