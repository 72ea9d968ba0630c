"""Tells a recording's format and venue from its first lines: names of files say nothing."""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from ingestion.labels import FRAME_ERRORS
from ingestion.recordings.source import Line

Format = Literal["hftbacktest", "cryptofeed", "plain", "envelopes"]

CRYPTOFEED_VENUES = {
    "BINANCE": "binance",
    "BINANCE_FUTURES": "binance_usdm",
    "KRAKEN": "kraken",
    "DERIBIT": "deribit",
}
_STAMPED = re.compile(rb"(\d{16,20}) (?=[{\[])")


class Detected(NamedTuple):
    """Format; venue, None where the lines do not tell; the first symbol named, "" where none is."""

    format: Format
    venue: str | None
    symbol: str = ""


class _Event(msgspec.Struct, gc=False):
    """The fields by which Binance's two markets differ (`venues.md` §3)."""

    e: str = ""
    s: str = ""
    B: str = ""
    lastUpdateId: int | None = None
    pu: int | None = None
    T: int | None = None
    M: bool | None = None


class _Line(_Event, gc=False):
    """The fields by which formats and venues differ."""

    t: str = ""
    exchange: str = ""
    venue: str = ""
    conn: str = ""
    recv_us: int | None = None
    jsonrpc: str = ""
    channel: str = ""
    method: str = ""
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Line).decode
_decode_event = msgspec.json.Decoder(_Event).decode


def detect(head: Iterable[Line]) -> Detected | None:
    """What the first lines say; lines that say nothing (garbage, acknowledgements) are passed over. None: nothing."""
    best: Detected | None = None
    for _, line in head:
        found = _of_line(line)
        if found is not None and (best is None or _tells_more(found, best)):
            best = found
        if best is not None and best.venue and best.symbol:
            break
    return best


def _tells_more(found: Detected, best: Detected) -> bool:
    if best.venue is None:
        return found.venue is not None
    return found.format == best.format and found.venue == best.venue and bool(found.symbol) and not best.symbol


def _of_line(line: bytes) -> Detected | None:
    stamped = _STAMPED.match(line)
    try:
        seen = _decode(line[stamped.end() :] if stamped else line)
        venue, symbol = _origin(seen)
    except FRAME_ERRORS:
        return None
    if stamped:
        return Detected("hftbacktest", venue, symbol)
    if seen.t:
        return Detected("cryptofeed", CRYPTOFEED_VENUES.get(seen.exchange, seen.exchange or None))
    if seen.venue and seen.conn and seen.recv_us is not None:
        return Detected("envelopes", seen.venue)
    return Detected("plain", venue, symbol) if venue else None


def _origin(seen: _Line) -> tuple[str | None, str]:
    """Venue and symbol of a frame."""
    if seen.jsonrpc:
        return "deribit", ""
    if seen.channel or seen.method in ("subscribe", "unsubscribe", "pong"):
        return "kraken", ""
    event = _decode_event(seen.data) if seen.stream else seen
    return _binance_market(event), event.s


def _binance_market(event: _Event) -> str | None:
    """Spot or USD-M: the same event names, but each has fields that the other lacks."""
    if event.e == "depthUpdate":
        usdm = event.pu is not None
    elif event.e in ("trade", "aggTrade"):
        usdm = event.M is None
    elif event.B:
        usdm = event.e == "bookTicker"
    elif event.lastUpdateId is not None:
        usdm = event.T is not None
    else:
        return None
    return "binance_usdm" if usdm else "binance"
