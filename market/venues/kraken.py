"""Kraken spot, WebSocket v2: facts, wire shapes, checksum (venues.md §4)."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Literal
from zlib import crc32

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from market.book import Book
from market.envelope import DECODE_ERRORS, Heard, Unusable
from market.side import Level
from market.venues.wire import Id, Kind, Price, Print, Size, Traded

WS = "wss://ws.kraken.com/v2"
BOOK_DEPTHS = (10, 25, 100, 500, 1000)
CRC_LEVELS = 10
EXPONENT_DIGITS = 3  # sign included; what is smaller would only be long when written out
DEAD_AFTER_S = 5  # without any message; heartbeats may flow while data does not
PING_S = 30
CONNECTS_PER_10_MIN = 150
TERMINAL_CLOSE_CODE = 1008

Instant = Annotated[datetime, Meta(tz=True)]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


class BookData(Struct, gc=False):
    """Levels of one symbol, their text kept: the checksum is over the digits as printed."""

    symbol: str
    bids: Raw
    asks: Raw
    checksum: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    timestamp: Instant | None = None  # a snapshot may come without


class BookFrame(Struct, gc=False):
    """A message of the book channel; there is one symbol in it."""

    channel: Literal["book"]
    type: Literal["snapshot", "update"]
    data: Annotated[list[BookData], Meta(min_length=1, max_length=1)]


class TradeData(Struct, gc=False):
    """One trade; `side` is the taker's."""

    symbol: str
    side: Literal["buy", "sell"]
    price: Traded
    qty: Traded
    trade_id: Id
    timestamp: Instant


class _TradeFrame(Struct, gc=False):
    channel: Literal["trade"]
    data: list[TradeData]


class _Level(Struct, gc=False):
    price: Price
    qty: Size


class _LevelText(Struct, gc=False):
    price: Raw
    qty: Raw


class _Reply(Struct, gc=False):
    """What tells acknowledgements, pongs, heartbeats and statuses from data."""

    channel: str = ""
    method: str | UnsetType = UNSET
    success: bool = True


_level_digits = re.compile(rb'\{"price":(?:0\.0*)?(\d+)\.?(\d*),"qty":(?:0\.0*)?(\d+)\.?(\d*)\}').findall
_join = b"".join
_BOOK_CHANNEL = re.compile(r"book\.(\d+)")
decode_book = msgspec.json.Decoder(Heard[BookFrame]).decode
_book = msgspec.json.Decoder(BookFrame).decode
_trades = msgspec.json.Decoder(_TradeFrame).decode
_reply = msgspec.json.Decoder(_Reply).decode
_levels = msgspec.json.Decoder(list[_Level]).decode
_level_texts = msgspec.json.Decoder(list[_LevelText]).decode


@lru_cache(maxsize=64)
def kind(channel: str) -> Kind | None:
    """What `book.10`, `trade`, … carry; None for a channel or depth that is not known."""
    if channel == "trade":
        return Kind.TRADES
    return Kind.BOOK if depth(channel) in BOOK_DEPTHS else None


@lru_cache(maxsize=64)
def depth(channel: str) -> int:
    """The subscribed depth of a book channel, 0 for any other."""
    match = _BOOK_CHANNEL.fullmatch(channel)
    return int(match[1]) if match else 0


def parse(channel: Kind, frame: bytes, symbol: str) -> BookFrame | list[Print] | None:
    """The event in a frame; None for acknowledgements, pongs, heartbeats and statuses.

    Raises `Unusable` for a refusal, and msgspec's errors for a shape that is not the channel's.
    """
    reply = _reply(frame)
    if not reply.success:
        raise Unusable(f"refused by the venue: {frame[:200].decode(errors='replace')}")
    if reply.method is not UNSET or reply.channel in ("heartbeat", "status"):
        return None
    if channel is Kind.BOOK:
        return _book(frame)
    return [_print(trade, symbol) for trade in _trades(frame).data]


def _print(trade: TradeData, symbol: str) -> Print:
    if trade.symbol != symbol:
        raise Unusable(f"expected symbol {symbol}, got {trade.symbol}")
    at, buy = micros(trade.timestamp) // 1000, trade.side == "buy"
    return Print("trade", trade.trade_id, str(trade.trade_id), at, trade.price, trade.qty, buy)


def micros(instant: datetime) -> int:
    """Epoch microseconds."""
    return (instant - _EPOCH) // _MICROSECOND


def levels(raw: Raw) -> tuple[list[Level], Sequence[bytes]]:
    """Levels of one side of a message, and their checksum digits. Raises `Unusable`."""
    data = bytes(raw)
    if data == b"[]":
        return [], ()
    try:
        parsed = [(level.price, level.qty) for level in _levels(data)]
    except DECODE_ERRORS as error:
        raise Unusable(f"expected levels: {error}") from None
    return parsed, digits(data, len(parsed))


def digits(data: bytes, count: int) -> Sequence[bytes]:
    """Price then quantity of each level without point and leading zeros: `63347.0` and `0.00005100` are `6334705100`.

    One sweep over the text as the venue prints it, and level by level where it looks different.
    """
    found = _level_digits(data)
    if len(found) == count:
        return list(map(_join, found))
    return [_plain(level.price) + _plain(level.qty) for level in _level_texts(data)]


def _plain(number: Raw) -> bytes:
    """An exponent is written out; trailing zeros that it swallowed are lost, and the checksum will say so."""
    text = bytes(number)
    exponent = text.lower().partition(b"e")[2]
    if len(exponent) > EXPONENT_DIGITS:
        raise Unusable(f"expected a number of a book, got {text[:40].decode()}")
    if exponent:
        text = format(Decimal(text.decode()), "f").encode()
    return text.replace(b".", b"").lstrip(b"0")


def checksum(book: Book) -> int:
    """CRC-32 of the best ten asks, then the best ten bids, whatever the depth; fewer when a side is shorter."""
    return crc32(book.asks.digits(CRC_LEVELS) + book.bids.digits(CRC_LEVELS))
