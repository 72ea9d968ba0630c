"""Decoding of raw records: the envelope with a typed frame in one pass, or with the frame left raw.

InvalidRecord    a value that must not reach a book; the text names expected and actual values
"""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from core.records import Envelope

MAX_VALUE_BYTES = 8 * 1024 * 1024
HOUR_MS = 3_600_000

Frame = TypeVar("Frame")
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
EpochMicros = Annotated[int, Meta(ge=0, lt=2**53)]

# Errors that msgspec may raise for arbitrary bytes; deep nesting raises RecursionError.
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeError, RecursionError)


class InvalidRecord(Exception):
    """A value cannot be used. `where`: the part in error, key, envelope or frame."""

    def __init__(self, reason: str, where: str = "frame") -> None:
        super().__init__(reason)
        self.where = where


class TypedEnvelope(Struct, Generic[Frame], gc=False):
    """An envelope with its decoded frame. `frame_text` and `event` must be absent; only their presence is checked."""

    venue: str
    channel: str
    symbol: str
    conn: str
    seq: Count
    recv_us: EpochMicros
    frame: Frame
    frame_text: Raw | UnsetType = UNSET
    event: Raw | UnsetType = UNSET

    @classmethod
    def from_envelope(cls, envelope: Envelope, frame: Frame) -> "TypedEnvelope[Frame]":
        """Combine an envelope with a frame that was decoded separately."""
        return cls(
            envelope.venue, envelope.channel, envelope.symbol, envelope.conn, envelope.seq, envelope.recv_us, frame
        )


class _BoundedEnvelope(Envelope, frozen=True, gc=False):
    """Envelope with limits on its numbers."""

    seq: Count
    recv_us: EpochMicros


decode_envelope = msgspec.json.Decoder(_BoundedEnvelope).decode  # raises DECODE_ERRORS, also for seq and time


def read_envelope(value: bytes, venue: str, symbol: str) -> Envelope:
    """Decode the envelope of one value of the key `venue:symbol`.

    Raises `InvalidRecord` for an empty, oversized or malformed value, and for one of another key.
    """
    check_bytes(value)
    try:
        envelope = decode_envelope(value)
    except DECODE_ERRORS as error:
        raise InvalidRecord(f"expected an envelope: {error}", "envelope") from None
    if (envelope.venue, envelope.symbol) != (venue, symbol):
        raise InvalidRecord(f"expected key {venue}:{symbol}, got {envelope.venue}:{envelope.symbol}", "key")
    present = [name for name in ("frame", "frame_text", "event") if getattr(envelope, name) is not UNSET]
    if len(present) != 1:
        raise InvalidRecord(
            f"expected one of frame, frame_text and event, got {' and '.join(present) or 'none'}", "envelope"
        )
    return envelope


def check_bytes(value: bytes) -> None:
    """Raise `InvalidRecord` for a value that is empty, larger than MAX_VALUE_BYTES, or not UTF-8."""
    if not value:
        raise InvalidRecord("expected an envelope, got an empty value", "envelope")
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidRecord(f"expected at most {MAX_VALUE_BYTES} bytes, got {len(value)}", "envelope")
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise InvalidRecord(
            f"expected UTF-8, got byte 0x{value[error.start]:02x} at {error.start}", "envelope"
        ) from None


def frame_bytes(envelope: Envelope) -> bytes:
    """Return the bytes from the venue. Raises `InvalidRecord` for a frame that was not JSON."""
    if isinstance(envelope.frame, Raw):
        return bytes(envelope.frame)
    raise InvalidRecord(f"expected a JSON frame, got text {str(envelope.frame_text)[:80]!r}")


def check_event_time(event_time: int, recv_us: int) -> None:
    """Raise `InvalidRecord` for an event time (ms) before 1970, or over an hour after its receipt.

    The first is no time, the second would close every window.
    """
    if event_time < 0:
        raise InvalidRecord(f"expected an event time in ms since 1970, got {event_time}")
    if event_time * 1000 - recv_us > HOUR_MS * 1000:
        ahead = event_time - recv_us // 1000
        raise InvalidRecord(
            f"expected an event time at most {HOUR_MS} ms past receipt, got {event_time}, {ahead} ms past it"
        )
