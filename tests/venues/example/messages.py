"""Example's book and trade messages."""

from typing import Literal

import msgspec
from msgspec import Struct

from core.envelope import InvalidRecord, TypedEnvelope
from market.orderbook.feed_types import ChannelKind, EpochMs, Id, Price, Size, TradeSize, VenueTrade

Levels = list[tuple[Price, Size]]


class BookFrame(Struct, gc=False):
    """All levels, or the levels changed since the message with the `seq` before. Size 0 removes a level."""

    stream: Literal["book"]
    symbol: str
    type: Literal["snapshot", "update"]
    seq: Id
    ts: EpochMs
    bids: Levels
    asks: Levels


class TradeFrame(Struct, gc=False):
    """One trade. `side` is the taker's."""

    stream: Literal["trades"]
    symbol: str
    id: Id
    ts: EpochMs
    price: Price
    size: TradeSize
    side: Literal["buy", "sell"]


KINDS = {"book": ChannelKind.BOOK, "trades": ChannelKind.TRADES}
decode_book = msgspec.json.Decoder(TypedEnvelope[BookFrame]).decode
_book = msgspec.json.Decoder(BookFrame).decode
_trade = msgspec.json.Decoder(TradeFrame).decode


def channel_kind(channel: str) -> ChannelKind | None:
    """Kind of the frames on a channel; None for an unknown channel."""
    return KINDS.get(channel)


def parse(kind: ChannelKind, frame: bytes, symbol: str) -> BookFrame | list[VenueTrade]:
    """Event in a frame. Raises `InvalidRecord`, and msgspec's errors for a frame of another shape."""
    return _book(frame) if kind is ChannelKind.BOOK else [_venue_trade(_trade(frame), symbol)]


def _venue_trade(trade: TradeFrame, symbol: str) -> VenueTrade:
    if trade.symbol != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {trade.symbol}")
    return VenueTrade("trades", trade.id, str(trade.id), trade.ts, trade.price, trade.size, trade.side == "buy")
