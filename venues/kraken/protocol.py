"""Protocol of Kraken's WebSocket v2 (docs/venues/kraken.md)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from venues.kraken import constants
from venues.protocol import Accepted, Endpoint, Limits, Refused, Reply, Stream, VenueProtocol, is_transient


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


def parse_reply(frame: bytes) -> Reply | None:
    """Meaning of an acknowledgement, sent once per symbol, or of a refusal, which may name no symbol."""
    found = _decode(frame)
    if not found.method.endswith("subscribe"):
        return None
    symbol = found.result.symbol or found.symbol
    if not found.success:
        fatal = not is_transient(found.error)
        # A refusal names its symbol and no channel: it refers to the request's stream of that symbol.
        return Refused(found.req_id, found.error, frozenset([Stream("", symbol)]) if symbol else None, fatal)
    granted = found.result
    channel = granted.channel if granted.depth is None else f"{granted.channel}.{granted.depth}"
    return Accepted(found.req_id, frozenset([Stream(channel, symbol)]), last=False)


def _has_channel(channel: str) -> bool:
    name, _, depth = channel.partition(".")
    return channel == "trade" or (name == "book" and depth in map(str, constants.BOOK_DEPTHS))


KRAKEN = VenueProtocol(
    venue="kraken",
    live=Endpoint(constants.WS, constants.REST),
    test=None,
    limits=Limits(
        streams=constants.STREAMS_PER_CONNECTION,
        messages_per_s=constants.MESSAGES_PER_S,
        batch=constants.SYMBOLS_PER_REQUEST,
        silence_s=constants.SILENCE_S,
        keepalive_s=constants.PING_S,
        book_silence_s=120,  # thin pairs change about once a minute
    ),
    # Depth 25, not 10: the checksum covers ten levels, and a book of ten has no level to spare.
    channels=("book.25", "trade"),
    path=lambda channel: constants.WS_PATH,
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse_reply=parse_reply,
    keepalive=_ping,
    has_channel=_has_channel,
    fatal_close_codes=frozenset({constants.POLICY_VIOLATION}),
)
