"""Classification of Kraken's WebSocket v2 frames."""

from datetime import datetime, timedelta, timezone
from typing import Annotated

import msgspec

from venues.frame_info import FrameInfo, UnclassifiedFrame
from venues.kraken.constants import BOOK_DEPTHS, DEFAULT_DEPTH

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


class _Head(msgspec.Struct, gc=False):
    channel: str = ""
    type: str = ""
    method: str = ""
    data: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()


class _Row(msgspec.Struct, gc=False):
    symbol: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    bids: list[msgspec.Raw] = []
    asks: list[msgspec.Raw] = []


class _Subscription(msgspec.Struct, gc=False):
    channel: str = ""
    symbol: str = ""
    depth: int = DEFAULT_DEPTH


class KrakenClassifier:
    """Classifier of one connection. State: the depth of each symbol's book, which only the acknowledgement names.

    Without an acknowledgement, the depth is `depth`, or else the number of the snapshot's levels if that is a depth of
    Kraken, or else the largest one: a thin book has fewer levels than were subscribed and may grow. A
    depth that is too large is detected by the checksum; one that is too small would reject a correct book.
    """

    def __init__(self, depth: int | None = None) -> None:
        if depth not in (None, *BOOK_DEPTHS):
            raise ValueError(f"expected one of {', '.join(map(str, BOOK_DEPTHS))}, got {depth}")
        self._depth = depth
        self._depths: dict[str, int] = {}
        self._head = msgspec.json.Decoder(_Head).decode
        self._rows = msgspec.json.Decoder(list[_Row]).decode
        self._subscription = msgspec.json.Decoder(_Subscription).decode

    def __call__(self, frame: bytes) -> FrameInfo:
        head = self._head(frame)
        if head.channel in ("book", "trade"):
            return self._market_data(head)
        if head.channel:
            return FrameInfo(head.channel, forwarded=False)
        if head.method:
            self._read_subscription(head)
            return FrameInfo("ack" if head.method.endswith("subscribe") else head.method, forwarded=False)
        raise UnclassifiedFrame("neither a channel message nor a reply of Kraken v2")

    def _market_data(self, head: _Head) -> FrameInfo:
        rows = self._rows(head.data)
        if not rows:
            raise UnclassifiedFrame(f"a {head.channel} message of Kraken v2 without data")
        row = rows[0]
        time_us = (row.timestamp - EPOCH) // MICROSECOND if row.timestamp else None
        if head.channel == "trade":
            return FrameInfo("trade", row.symbol, time_us)
        if row.symbol not in self._depths and head.type == "snapshot":
            levels = max(len(row.bids), len(row.asks))
            self._depths[row.symbol] = self._depth or (levels if levels in BOOK_DEPTHS else BOOK_DEPTHS[-1])
        return FrameInfo(f"book.{self._depths.get(row.symbol, DEFAULT_DEPTH)}", row.symbol, time_us)

    def _read_subscription(self, head: _Head) -> None:
        if head.method == "subscribe" and head.result:
            subscribed = self._subscription(head.result)
            if subscribed.channel == "book":
                self._depths[subscribed.symbol] = subscribed.depth


class _Origin(msgspec.Struct, gc=False):
    channel: str = ""
    type: str = ""
    method: str = ""
    jsonrpc: str = ""


_decode_origin = msgspec.json.Decoder(_Origin).decode


def recognise_kraken(frame: bytes) -> str | None:
    """Empty text for a frame of Kraken v2, None for any other. Symbols are named in the rows, and may be several."""
    found = _decode_origin(frame)
    ours = (
        (found.channel and found.type)
        or found.channel == "heartbeat"
        or found.method in ("subscribe", "unsubscribe", "pong")
    )
    return "" if ours and not found.jsonrpc else None
