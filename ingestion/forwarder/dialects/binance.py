"""Binance, spot and USD-M: combined streams, subscribed by message (venues.md §2, §3)."""

from collections.abc import Sequence

import msgspec

from ingestion.forwarder.dialects.dialect import (
    Accepted,
    Dialect,
    Endpoint,
    Leaving,
    Limits,
    Refused,
    Reply,
    RestDepth,
    Stream,
    passes,
)
from market.venues import binance, binance_usdm

SPOT_TESTNET = Endpoint("wss://stream.testnet.binance.vision", "https://testnet.binance.vision")
USDM_TESTNET = Endpoint("wss://fstream.binancefuture.com", "https://testnet.binancefuture.com")
# USD-M serves each channel on one of two bases; on the other it is acknowledged and stays silent.
USDM_PUBLIC = ("depth", "bookTicker", "rpiDepth")
USDM_INFO_PATH = "/fapi/v1/exchangeInfo"
CHANNELS = ("depth", "aggTrade", "trade", "bookTicker")


class _Event(msgspec.Struct, gc=False):
    e: str = ""


class _Reply(_Event, gc=False):
    id: int | None = None
    result: msgspec.Raw | None = None
    error: msgspec.Raw = msgspec.Raw()
    code: int | None = None
    msg: str = ""
    data: _Event = msgspec.field(default_factory=_Event)


_decode = msgspec.json.Decoder(_Reply).decode


def _request(method: str, streams: Sequence[Stream], request: int) -> str:
    params = [f"{symbol.lower()}@{channel}" for channel, symbol in streams]
    return msgspec.json.encode({"method": method, "params": params, "id": request}).decode()


def _subscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("SUBSCRIBE", streams, request)


def _unsubscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("UNSUBSCRIBE", streams, request)


def hear(frame: bytes) -> Reply | None:
    """Meaning of an acknowledgement, a refusal, or the notice before a restart."""
    found = _decode(frame)
    if "serverShutdown" in (found.e, found.data.e):
        return Leaving("serverShutdown")
    if found.error or found.code is not None:
        reason = bytes(found.error).decode(errors="replace") or f"{found.code} {found.msg}"
        return Refused(found.id, reason, fatal=not passes(reason))
    return None if found.id is None else Accepted(found.id)


def _known(channel: str) -> bool:
    return channel.partition("@")[0] in CHANNELS


BINANCE = Dialect(
    venue="binance",
    live=Endpoint(binance.WS, binance.REST),
    test=SPOT_TESTNET,
    limits=Limits(
        streams=binance.STREAMS_PER_CONNECTION,
        messages_per_s=binance.MESSAGES_PER_S - 1,  # pings and pongs count too
        batch=200,
        silence_s=60,
        lifetime_s=binance.LIFETIME_S,
    ),
    channels=("depth@100ms", "aggTrade"),
    path=lambda channel: "/stream",
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    hear=hear,
    depth=RestDepth(binance.DEPTH_PATH, binance.INFO_PATH, binance.SNAPSHOT_WEIGHTS, binance.WEIGHT_PER_MINUTE),
    channel_check=_known,
)

BINANCE_USDM = Dialect(
    venue="binance_usdm",
    live=Endpoint(binance_usdm.WS_PUBLIC.removesuffix("/public"), binance_usdm.REST),
    test=USDM_TESTNET,
    limits=Limits(
        streams=200,  # 1024 are allowed; a well-known client stays at this
        messages_per_s=binance_usdm.MESSAGES_PER_S - 1,
        batch=100,
        silence_s=60,
        lifetime_s=binance_usdm.LIFETIME_S,
    ),
    channels=("depth@100ms", "aggTrade"),
    path=lambda channel: f"/{'public' if channel.partition('@')[0] in USDM_PUBLIC else 'market'}/stream",
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    hear=hear,
    depth=RestDepth(
        binance_usdm.DEPTH_PATH,
        USDM_INFO_PATH,
        {binance_usdm.SNAPSHOT_LIMIT: binance_usdm.SNAPSHOT_WEIGHT},
        binance_usdm.WEIGHT_PER_MINUTE,
    ),
    channel_check=_known,
)
