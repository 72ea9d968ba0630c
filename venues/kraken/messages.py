"""Kraken's book and trade messages, WebSocket v2 (docs/venues/kraken.md)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from core.envelope import DECODE_ERRORS, InvalidRecord, TypedEnvelope
from market.orderbook.book_side import Level
from market.orderbook.feed_types import ChannelKind, Id, Price, Size, TradeSize, VenueTrade
from venues.kraken.checksum import checksum_texts
from venues.kraken.constants import BOOK_DEPTHS

Instant = Annotated[datetime, Meta(tz=True)]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class BookData(Struct, gc=False):
    """Levels of one symbol as raw text, since the checksum is over the digits as printed."""

    symbol: str
    bids: Raw
    asks: Raw
    checksum: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    timestamp: Instant | None = None  # optional on a snapshot


class BookFrame(Struct, gc=False):
    """Message of the book channel, with one symbol."""

    channel: Literal["book"]
    type: Literal["snapshot", "update"]
    data: Annotated[list[BookData], Meta(min_length=1, max_length=1)]


class TradeData(Struct, gc=False):
    """One trade. `side` is the taker's."""

    symbol: str
    side: Literal["buy", "sell"]
    price: Price
    qty: TradeSize
    trade_id: Id
    timestamp: Instant


class _TradeFrame(Struct, gc=False):
    channel: Literal["trade"]
    data: list[TradeData]


class _Level(Struct, gc=False):
    price: Price
    qty: Size


class _Reply(Struct, gc=False):
    """Fields that distinguish acknowledgements, pongs, heartbeats and statuses from data."""

    channel: str = ""
    method: str | UnsetType = UNSET
    success: bool = True


_BOOK_CHANNEL = re.compile(r"book\.(\d{1,4})")
decode_book = msgspec.json.Decoder(TypedEnvelope[BookFrame]).decode
_book = msgspec.json.Decoder(BookFrame).decode
_trades = msgspec.json.Decoder(_TradeFrame).decode
_reply = msgspec.json.Decoder(_Reply).decode
_levels = msgspec.json.Decoder(list[_Level]).decode


@lru_cache(maxsize=64)
def channel_kind(channel: str) -> ChannelKind | None:
    """Kind of the frames on `book.10`, `trade`, …; None for an unknown channel or depth."""
    if channel == "trade":
        return ChannelKind.TRADES
    return ChannelKind.BOOK if depth(channel) in BOOK_DEPTHS else None


@lru_cache(maxsize=64)
def depth(channel: str) -> int:
    """Subscribed depth of a book channel, 0 for any other."""
    match = _BOOK_CHANNEL.fullmatch(channel)
    return int(match[1]) if match else 0


def parse(kind: ChannelKind, frame: bytes, symbol: str) -> BookFrame | list[VenueTrade] | None:
    """Event in a frame; None for acknowledgements, pongs, heartbeats and statuses.

    Raises `InvalidRecord` for a refusal, and msgspec's errors for a frame of another shape.
    """
    reply = _reply(frame)
    if not reply.success:
        raise InvalidRecord(f"refused by the venue: {frame[:200].decode(errors='replace')}")
    if reply.method is not UNSET or reply.channel in ("heartbeat", "status"):
        return None
    if kind is ChannelKind.BOOK:
        return _book(frame)
    return [_venue_trade(trade, symbol) for trade in _trades(frame).data]


def _venue_trade(trade: TradeData, symbol: str) -> VenueTrade:
    if trade.symbol != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {trade.symbol}")
    at, buy = epoch_us(trade.timestamp) // 1000, trade.side == "buy"
    return VenueTrade("trade", trade.trade_id, str(trade.trade_id), at, trade.price, trade.qty, buy)


def epoch_us(instant: datetime) -> int:
    """Epoch microseconds."""
    return (instant - _EPOCH) // _MICROSECOND


def levels(raw: Raw) -> tuple[list[Level], Sequence[bytes]]:
    """Levels of one side of a message, and their checksum texts. Raises `InvalidRecord`."""
    data = bytes(raw)
    if data == b"[]":
        return [], ()
    try:
        parsed = [(level.price, level.qty) for level in _levels(data)]
    except DECODE_ERRORS as error:
        raise InvalidRecord(f"expected levels: {error}") from None
    return parsed, checksum_texts(data, len(parsed))
