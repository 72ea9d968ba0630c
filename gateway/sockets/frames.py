"""Events as websocket frames. A frame to a client is not masked, so that one encoding serves every client."""

from typing import Any

from msgspec import Raw
from websockets.frames import Frame, Opcode

from gateway.encoding import encode


def event_frame(event: str, payload: bytes) -> bytes:
    """Frame of a Socket.IO event on the default namespace; `payload` is JSON."""
    return Frame(Opcode.TEXT, b'42["%b",%b]' % (event.encode(), payload)).serialize(mask=False)


def frame_of(event: str, payload: Any) -> bytes:
    """Frame of an event whose payload is a Struct or a dict."""
    return event_frame(event, encode(payload))


def extended(fields: dict[str, Any], message: bytes | Raw) -> bytes:
    """JSON object of some fields, and then those of an encoded object with at least one field."""
    return encode(fields)[:-1] + b"," + bytes(message)[1:]
