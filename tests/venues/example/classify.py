"""Classification of Example's frames."""

import msgspec

from venues.frame_info import FrameInfo, UnclassifiedFrame


class _Frame(msgspec.Struct, gc=False):
    stream: str = ""
    symbol: str = ""
    ts: int | None = None
    op: str = ""


_decode = msgspec.json.Decoder(_Frame).decode


def classify_example(frame: bytes) -> FrameInfo:
    """FrameInfo of one frame. Replies and heartbeats are counted and not forwarded."""
    found = _decode(frame)
    if found.stream:
        return FrameInfo(found.stream, found.symbol, None if found.ts is None else found.ts * 1000)
    if found.op:
        return FrameInfo(found.op, forwarded=False)
    raise UnclassifiedFrame("neither market data nor a reply of Example")


def recognise_example(frame: bytes) -> str | None:
    """Symbol of a frame with market data, None for any other frame."""
    found = _decode(frame)
    return found.symbol if found.stream in ("book", "trades") and found.symbol else None
