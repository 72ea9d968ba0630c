"""Deribit's JSON-RPC over WebSocket (venues.md §5)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ingestion.forwarder.dialects.dialect import Accepted, Answer, Dialect, Endpoint, Limits, Refused, Reply, Stream

HEARTBEAT_S = 15  # asked of the server; 10 at least
TEST_REQUEST = 0  # request id of the answer to a test request: nobody waits for its reply
# Too many requests, retry, settlement and maintenance, internal error.
TRANSIENT_CODES = frozenset({10028, 10040, 10041, 10047, 11051, -32603})
SYMBOL_LAST = {"index": "deribit_price_index"}  # `kind.symbol` under another name
KINDS = ("book", "trades", "ticker", "index")
OPTION_CHANNELS = (
    "ticker.100ms",
    "ticker.agg2",
)  # whole tickers: what keeps chains knows no others, and raw needs a key


class _Error(msgspec.Struct, gc=False):
    code: int = 0
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Params(msgspec.Struct, gc=False):
    type: str = ""


class _Frame(msgspec.Struct, gc=False):
    id: int | None = None
    method: str = ""
    params: _Params = msgspec.field(default_factory=_Params)
    result: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Frame).decode
_channels = msgspec.json.Decoder(list[str]).decode


def wire_name(stream: Stream) -> str:
    """`book.BTC-PERPETUAL.100ms` for the stream (`book.100ms`, `BTC-PERPETUAL`)."""
    kind, _, parameters = stream.channel.partition(".")
    if kind in SYMBOL_LAST:
        return f"{SYMBOL_LAST[kind]}.{stream.symbol}"
    return f"{kind}.{stream.symbol}.{parameters}"


def stream_of(name: str) -> Stream:
    """The stream that `wire_name` names so."""
    kind, *rest = name.split(".")
    for channel, wire_kind in SYMBOL_LAST.items():
        if kind == wire_kind:
            return Stream(channel, rest[0])
    return Stream(".".join([kind, *rest[1:]]), rest[0])


def rpc(method: str, params: dict[str, Any], request: int) -> str:
    """One JSON-RPC call."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request, "method": method, "params": params}).decode()


def _subscribe(streams: Sequence[Stream], request: int) -> str:
    return rpc("public/subscribe", {"channels": [wire_name(stream) for stream in streams]}, request)


def _unsubscribe(streams: Sequence[Stream], request: int) -> str:
    return rpc("public/unsubscribe", {"channels": [wire_name(stream) for stream in streams]}, request)


def _heartbeat(request: int) -> str:
    return rpc("public/set_heartbeat", {"interval": HEARTBEAT_S}, request)


def hear(frame: bytes) -> Reply | None:
    """Meaning of a reply or a heartbeat. The list of accepted channels comes in another order than asked."""
    found = _decode(frame)
    if found.method == "heartbeat":
        return Answer(rpc("public/test", {}, TEST_REQUEST)) if found.params.type == "test_request" else None
    if found.error is not None:
        detail = bytes(found.error.data).decode(errors="replace")
        reason = " ".join(part for part in (str(found.error.code), found.error.message, detail) if part)
        return Refused(found.id, reason, fatal=found.error.code not in TRANSIENT_CODES)
    try:
        return Accepted(found.id, frozenset(map(stream_of, _channels(found.result))))
    except msgspec.MsgspecError:
        return Accepted(found.id) if found.id else None  # `ok` of a heartbeat setting


DERIBIT = Dialect(
    venue="deribit",
    live=Endpoint("wss://www.deribit.com", "https://www.deribit.com"),
    test=Endpoint("wss://test.deribit.com", "https://test.deribit.com"),
    # About 3.3 subscribe calls a second are paid for: few calls with long lists.
    limits=Limits(streams=1000, messages_per_s=3, batch=250, silence_s=2.5 * HEARTBEAT_S),
    channels=("book.100ms", "trades.100ms"),
    path=lambda channel: "/ws/api/v2",
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    hear=hear,
    greeting=_heartbeat,
    channel_check=lambda channel: channel.partition(".")[0] in KINDS,
    option_channels=OPTION_CHANNELS,
)
