"""Protocol of Deribit: JSON-RPC over WebSocket, the list of options by REST (docs/venues/deribit.md)."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from venues.deribit import constants
from venues.protocol import (
    Accepted,
    ChainListing,
    Endpoint,
    Limits,
    Pong,
    Refused,
    Reply,
    Stream,
    VenueProtocol,
    channel_name,
)

TEST_REQUEST = 0  # request id of the reply to a test request; no acknowledgement of it is awaited
SYMBOL_LAST = {"index": "deribit_price_index"}  # named `kind.symbol`, under another name
KINDS = ("book", "trades", "ticker", "index")
OPTION_CHANNELS = ("ticker.100ms", "ticker.agg2")  # complete tickers, the only ones that chains read; raw needs a key


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


class ListedOption(msgspec.Struct, gc=False):
    """One row of `get_instruments`, its fields that are used here."""

    instrument_name: str
    expiration_timestamp: int
    price_index: str = ""

    @property
    def chain(self) -> str:
        """`BTC`, or `SOL_USDC` for a linear family."""
        return self.instrument_name.partition("-")[0]


class _Listing(msgspec.Struct, gc=False):
    result: list[ListedOption]


_decode = msgspec.json.Decoder(_Frame).decode
_decode_listing = msgspec.json.Decoder(_Listing).decode
_channels = msgspec.json.Decoder(list[str]).decode


def wire_name(stream: Stream) -> str:
    """`book.BTC-PERPETUAL.100ms` for the stream (`book.100ms`, `BTC-PERPETUAL`)."""
    kind, _, parameters = stream.channel.partition(".")
    if kind in SYMBOL_LAST:
        return f"{SYMBOL_LAST[kind]}.{stream.symbol}"
    return f"{kind}.{stream.symbol}.{parameters}"


def stream_of(name: str) -> Stream:
    """Inverse of `wire_name`. Raises ValueError for a channel without a symbol."""
    kind, *rest = name.split(".")
    if not rest:
        raise ValueError(f"Deribit channel {name!r} names no instrument")
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
    return rpc("public/set_heartbeat", {"interval": constants.HEARTBEAT_S}, request)


def parse_reply(frame: bytes) -> Reply | None:
    """Meaning of a reply or a heartbeat. Accepted channels are listed in another order than requested."""
    found = _decode(frame)
    if found.method == "heartbeat":
        return Pong(rpc("public/test", {}, TEST_REQUEST)) if found.params.type == "test_request" else None
    if found.error is not None:
        detail = bytes(found.error.data).decode(errors="replace")
        reason = " ".join(part for part in (str(found.error.code), found.error.message, detail) if part)
        return Refused(found.id, reason, fatal=found.error.code not in constants.TRANSIENT_ERRORS)
    try:
        return Accepted(found.id, frozenset(map(stream_of, _channels(found.result))))
    except msgspec.MsgspecError:
        return Accepted(found.id) if found.id else None  # `ok`: reply to a heartbeat setting


def listing_query(chain: str) -> dict[str, str]:
    """Query of `get_instruments` for a chain: a linear family is listed under the currency it is paid in."""
    return {"currency": chain.rpartition("_")[2], "kind": "option", "expired": "false"}


def chain_streams(chain: str, options: Iterable[ListedOption], channel: str, now_ms: int) -> dict[Stream, int]:
    """Streams of a chain's unexpired options and of its index, each with the time it ends, epoch ms."""
    alive = [each for each in options if each.chain == chain and each.expiration_timestamp > now_ms]
    found = {Stream(channel, each.instrument_name): each.expiration_timestamp for each in alive}
    if alive:
        index = alive[0].price_index or f"{chain.lower()}_usd"
        found[Stream("index", index)] = max(each.expiration_timestamp for each in alive)
    return found


def _streams_of_reply(body: bytes, chain: str, channel: str, now_ms: int) -> dict[Stream, int]:
    return chain_streams(chain, _decode_listing(body).result, channel, now_ms)


DERIBIT = VenueProtocol(
    venue="deribit",
    live=Endpoint(constants.WS, constants.REST),
    test=Endpoint(constants.TESTNET_WS, constants.TESTNET_REST),
    limits=Limits(
        streams=constants.STREAMS_PER_CONNECTION,
        messages_per_s=constants.SUBSCRIBE_CALLS_PER_S,
        batch=constants.CHANNELS_PER_CALL,
        silence_s=2.5 * constants.HEARTBEAT_S,
    ),
    channels=("book.100ms", "trades.100ms"),
    path=lambda channel: constants.WS_PATH,
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse_reply=parse_reply,
    opening_request=_heartbeat,
    has_channel=lambda channel: channel_name(channel) in KINDS,
    option_channels=OPTION_CHANNELS,
    chain_listing=ChainListing(
        path=constants.INSTRUMENTS_PATH,
        query=listing_query,
        channel="instrument",
        spacing_s=constants.INSTRUMENTS_SPACING_S,
        streams=_streams_of_reply,
    ),
)
