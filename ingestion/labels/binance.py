"""Labels of Binance's frames, spot and USD-M: combined-stream or bare events, acknowledgements, REST depth bodies."""

import msgspec

from ingestion.labels.label import Label, UnlabelledError

KEPT_EVENTS = {"depthUpdate": "depth", "aggTrade": "aggTrade", "trade": "trade", "bookTicker": "bookTicker"}


class _Event(msgspec.Struct, gc=False):
    e: str = ""
    E: int | None = None
    T: int | None = None
    s: str = ""
    B: str = ""  # spot's bookTicker has no `e`: it is told by its best bid size
    lastUpdateId: int | None = None


class _Frame(_Event, gc=False):
    stream: str = ""
    data: _Event | None = None
    result: msgspec.Raw = msgspec.Raw()
    id: int | str | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Frame).decode


def label_binance(frame: bytes) -> Label:
    """Label of one frame. The symbol is the event's; partial depth carries none, so there it is the stream's."""
    found = _decode(frame)
    event = found if found.data is None else found.data
    time_ms = event.T if event.E is None else event.E
    time_us = None if time_ms is None else time_ms * 1000
    if found.stream:
        symbol, _, channel = found.stream.partition("@")
        kept = channel.startswith(("depth", "aggTrade", "trade", "bookTicker"))
        return Label(channel or found.stream, event.s or symbol.upper(), time_us, kept)
    if event.e:
        return Label(KEPT_EVENTS.get(event.e, event.e), event.s, time_us, event.e in KEPT_EVENTS)
    if event.lastUpdateId is not None:
        return Label("snapshot", "", time_us)
    if event.s and event.B:
        return Label("bookTicker", event.s)
    return _reply(found)


def _reply(found: _Frame) -> Label:
    if found.error:
        return Label("error", kept=False)
    if found.result or found.id is not None:
        return Label("ack", kept=False)
    raise UnlabelledError("neither an event, a depth body nor a reply of Binance")
