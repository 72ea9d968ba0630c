"""Protocol of Binance, spot and USD-M: combined streams, subscribed by message (docs/venues/binance.md)."""

from collections.abc import Sequence

import msgspec

from venues.binance import constants
from venues.protocol import (
    Accepted,
    ClosingNotice,
    Endpoint,
    Limits,
    Refused,
    Reply,
    RestSnapshots,
    Stream,
    VenueInfo,
    VenueProtocol,
    channel_name,
    is_transient,
)

CHANNELS = ("depth", "depth5", "depth10", "depth20", "aggTrade", "trade", "bookTicker")


class _Event(msgspec.Struct, gc=False):
    e: str = ""


class _Reply(_Event, gc=False):
    id: int | None = None
    result: msgspec.Raw | None = None
    error: msgspec.Raw = msgspec.Raw()
    code: int | None = None
    msg: str = ""
    data: _Event = msgspec.field(default_factory=_Event)


class _RateLimit(msgspec.Struct, gc=False):
    rateLimitType: str
    interval: str
    limit: int
    intervalNum: int = 1


class _Symbol(msgspec.Struct, gc=False):
    symbol: str


class _ExchangeInfo(msgspec.Struct, gc=False):
    symbols: list[_Symbol]
    rateLimits: list[_RateLimit] = []


_decode = msgspec.json.Decoder(_Reply).decode
_decode_info = msgspec.json.Decoder(_ExchangeInfo).decode


def _request(method: str, streams: Sequence[Stream], request: int) -> str:
    params = [f"{symbol.lower()}@{channel}" for channel, symbol in streams]
    return msgspec.json.encode({"method": method, "params": params, "id": request}).decode()


def _subscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("SUBSCRIBE", streams, request)


def _unsubscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("UNSUBSCRIBE", streams, request)


def parse_reply(frame: bytes) -> Reply | None:
    """Meaning of an acknowledgement, a refusal or the notice before a restart; None for any other reply."""
    found = _decode(frame)
    if "serverShutdown" in (found.e, found.data.e):
        return ClosingNotice("serverShutdown")
    if found.error or found.code is not None:
        reason = bytes(found.error).decode(errors="replace") or f"{found.code} {found.msg}"
        return Refused(found.id, reason, fatal=not is_transient(reason))
    return None if found.id is None else Accepted(found.id)


def parse_exchange_info(body: bytes) -> VenueInfo:
    """Listed symbols and the weight budget per minute of this address."""
    info = _decode_info(body)
    budgets = [
        each.limit // each.intervalNum
        for each in info.rateLimits
        if (each.rateLimitType, each.interval) == ("REQUEST_WEIGHT", "MINUTE")
    ]
    return VenueInfo(frozenset(each.symbol for each in info.symbols), min(budgets, default=None))


def _has_channel(channel: str) -> bool:
    return channel_name(channel) in CHANNELS


def _usdm_path(channel: str) -> str:
    public = channel_name(channel) in constants.USDM_PUBLIC_CHANNELS
    return f"/{'public' if public else 'market'}/stream"


SPOT = VenueProtocol(
    venue="binance",
    live=Endpoint(constants.SPOT_WS, constants.SPOT_REST),
    test=Endpoint(constants.SPOT_TESTNET_WS, constants.SPOT_TESTNET_REST),
    limits=Limits(
        streams=constants.STREAMS_PER_CONNECTION,
        messages_per_s=constants.SPOT_MESSAGES_PER_S - 1,  # one is left for pings and pongs, which count too
        batch=200,
        silence_s=60,
        lifetime_s=constants.LIFETIME_S,
    ),
    channels=("depth@100ms", "aggTrade"),
    path=lambda channel: "/stream",
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse_reply=parse_reply,
    snapshots=RestSnapshots(
        constants.SPOT_DEPTH_PATH,
        constants.SPOT_INFO_PATH,
        constants.SPOT_SNAPSHOT_WEIGHTS,
        constants.SPOT_WEIGHT_PER_MINUTE,
        parse_exchange_info,
        constants.USED_WEIGHT_HEADER,
    ),
    has_channel=_has_channel,
)

USDM = VenueProtocol(
    venue="binance_usdm",
    live=Endpoint(constants.USDM_WS, constants.USDM_REST),
    test=Endpoint(constants.USDM_TESTNET_WS, constants.USDM_TESTNET_REST),
    limits=Limits(
        streams=200,  # fewer than STREAMS_PER_CONNECTION; a well-known client stays at 200
        messages_per_s=constants.USDM_MESSAGES_PER_S - 1,
        batch=100,
        silence_s=60,
        lifetime_s=constants.LIFETIME_S,
        book_silence_s=30,  # USD-M books change several times a second, quiet contracts every few seconds
    ),
    channels=("depth@100ms", "aggTrade"),
    path=_usdm_path,
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse_reply=parse_reply,
    snapshots=RestSnapshots(
        constants.USDM_DEPTH_PATH,
        constants.USDM_INFO_PATH,
        constants.USDM_SNAPSHOT_WEIGHTS,
        constants.USDM_WEIGHT_PER_MINUTE,
        parse_exchange_info,
        constants.USED_WEIGHT_HEADER,
        exact_limits=True,
    ),
    has_channel=_has_channel,
)
