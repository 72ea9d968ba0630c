"""Labels of Kraken's WebSocket v2 frames."""

from datetime import datetime, timedelta, timezone

import msgspec

from ingestion.labels.label import Label, UnlabelledError

DEFAULT_DEPTH = 10  # what a book subscription without a depth gets
DEPTHS = (10, 25, 100, 500, 1000)
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
    timestamp: datetime | None = None
    bids: list[msgspec.Raw] = []
    asks: list[msgspec.Raw] = []


class _Subscription(msgspec.Struct, gc=False):
    channel: str = ""
    symbol: str = ""
    depth: int = DEFAULT_DEPTH


class KrakenLabeller:
    """State: the depth each symbol's book was subscribed with, which only the acknowledgement tells.

    Without one, the depth is the smallest on offer that holds the snapshot's levels.
    """

    def __init__(self) -> None:
        self._depths: dict[str, int] = {}
        self._head = msgspec.json.Decoder(_Head).decode
        self._rows = msgspec.json.Decoder(list[_Row]).decode
        self._subscription = msgspec.json.Decoder(_Subscription).decode

    def __call__(self, frame: bytes) -> Label:
        head = self._head(frame)
        if head.channel in ("book", "trade"):
            return self._market_data(head)
        if head.channel:
            return Label(head.channel, kept=False)
        if head.method:
            self._learn(head)
            return Label("ack" if head.method.endswith("subscribe") else head.method, kept=False)
        raise UnlabelledError("neither a channel message nor a reply of Kraken v2")

    def _market_data(self, head: _Head) -> Label:
        rows = self._rows(head.data)
        if not rows:
            raise UnlabelledError(f"a {head.channel} message of Kraken v2 without data")
        row = rows[0]
        time_us = (row.timestamp - EPOCH) // MICROSECOND if row.timestamp else None
        if head.channel == "trade":
            return Label("trade", row.symbol, time_us)
        if row.symbol not in self._depths and head.type == "snapshot":
            levels = max(len(row.bids), len(row.asks))
            self._depths[row.symbol] = next((depth for depth in DEPTHS if depth >= levels), DEPTHS[-1])
        return Label(f"book.{self._depths.get(row.symbol, DEFAULT_DEPTH)}", row.symbol, time_us)

    def _learn(self, head: _Head) -> None:
        if head.method == "subscribe" and head.result:
            asked = self._subscription(head.result)
            if asked.channel == "book":
                self._depths[asked.symbol] = asked.depth
