"""Kraken's WebSocket v2 (venues.md §4)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ingestion.forwarder.dialects.dialect import Accepted, Dialect, Endpoint, Limits, Refused, Reply, Stream, passes

DEPTHS = (10, 25, 100, 500, 1000)
# Limits on what a client sends are not published; this is far below what is known to be borne.
MESSAGES_PER_S = 5
POLICY_VIOLATION = 1008


class _Subscription(msgspec.Struct, gc=False):
    channel: str = ""
    symbol: str = ""
    depth: int | None = None


class _Reply(msgspec.Struct, gc=False):
    method: str = ""
    req_id: int | None = None
    success: bool = True
    error: str = ""
    symbol: str = ""
    result: _Subscription = msgspec.field(default_factory=_Subscription)


_decode = msgspec.json.Decoder(_Reply).decode


def _request(method: str, streams: Sequence[Stream], request: int) -> str:
    channel, _, depth = streams[0].channel.partition(".")
    params: dict[str, Any] = {"channel": channel, "symbol": [stream.symbol for stream in streams]}
    if depth:
        params["depth"] = int(depth)
    if method == "subscribe":
        params["snapshot"] = channel == "book"
    return msgspec.json.encode({"method": method, "params": params, "req_id": request}).decode()


def _subscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("subscribe", streams, request)


def _unsubscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("unsubscribe", streams, request)


def _ping(request: int) -> str:
    return msgspec.json.encode({"method": "ping", "req_id": request}).decode()


def hear(frame: bytes) -> Reply | None:
    """Meaning of an acknowledgement, of which one comes for each symbol, or of a refusal, which may name none."""
    found = _decode(frame)
    if not found.method.endswith("subscribe"):
        return None
    symbol = found.result.symbol or found.symbol
    if not found.success:
        fatal = not passes(found.error)
        # A refusal names its symbol and not its channel: it speaks of the request's stream of that symbol.
        return Refused(found.req_id, found.error, frozenset([Stream("", symbol)]) if symbol else None, fatal)
    asked = found.result
    channel = asked.channel if asked.depth is None else f"{asked.channel}.{asked.depth}"
    return Accepted(found.req_id, frozenset([Stream(channel, symbol)]), last=False)


def _known(channel: str) -> bool:
    name, _, depth = channel.partition(".")
    return channel == "trade" or (name == "book" and depth in map(str, DEPTHS))


KRAKEN = Dialect(
    venue="kraken",
    live=Endpoint("wss://ws.kraken.com", "https://api.kraken.com"),
    test=None,
    # A heartbeat comes about every second once anything is subscribed; the docs call 5 s without a message dead.
    limits=Limits(streams=200, messages_per_s=MESSAGES_PER_S, batch=50, silence_s=10, keepalive_s=30),
    # Not 10: the checksum covers ten levels, and a book of ten has no headroom.
    channels=("book.25", "trade"),
    path=lambda channel: "/v2",
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    hear=hear,
    keepalive=_ping,
    channel_check=_known,
    final_closes=frozenset({POLICY_VIOLATION}),
)
