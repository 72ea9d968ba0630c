"""Deribit's book and trade messages (docs/venues/deribit.md).

Sizes are in USD for perpetuals and inverse futures, in coin for the other instruments.
"""

import re
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from core.envelope import InvalidRecord, TypedEnvelope
from market.orderbook.book_side import LevelAction
from market.orderbook.feed_types import ChannelKind, EpochMs, Id, Price, Size, TradeSize, VenueTrade
from market.orderbook.partial_book import PartialMessage

Levels = list[tuple[LevelAction, Price, Size]]
Trades = list[VenueTrade | None]  # None: not traded in the book


class BookData(Struct, gc=False):
    """`book.{instrument}.{interval}`: all levels, or the levels changed since `prev_change_id`. Time in epoch ms."""

    type: Literal["snapshot", "change"]
    timestamp: EpochMs
    instrument_name: str
    change_id: Id
    bids: Levels
    asks: Levels
    prev_change_id: Id | None = None


class PartialData(Struct, gc=False):
    """`book.{instrument}.none.{depth}.{interval}`: the best levels, all of them. Time in epoch ms."""

    timestamp: EpochMs
    instrument_name: str
    change_id: Id
    bids: list[tuple[Price, Size]]
    asks: list[tuple[Price, Size]]


class _PartialParams(Struct, gc=False):
    data: PartialData


class _PartialFrame(Struct, gc=False):
    method: Literal["subscription"]
    params: _PartialParams


class BookParams(Struct, gc=False):
    """Parameters of a notification."""

    data: BookData


class BookFrame(Struct, gc=False):
    """Notification of a book channel."""

    method: Literal["subscription"]
    params: BookParams


class TradeData(Struct, gc=False):
    """One trade; `trade_seq` counts up by 1 within the instrument, `direction` is the taker's side.

    The optional fields mark what was not traded in this instrument's book: block trades, and legs of combos.
    """

    trade_seq: Id
    trade_id: str
    timestamp: EpochMs
    instrument_name: str
    price: Price
    amount: TradeSize
    direction: Literal["buy", "sell"]
    block_trade_id: Any = None
    block_rfq_id: Any = None
    combo_trade_id: Any = None

    @property
    def is_off_book(self) -> bool:
        """True for a block trade or the leg of a combo."""
        return not (self.block_trade_id is self.block_rfq_id is self.combo_trade_id is None)


class _TradeParams(Struct, gc=False):
    data: list[TradeData]


class _TradeFrame(Struct, gc=False):
    method: Literal["subscription"]
    params: _TradeParams


class _Reply(Struct, gc=False):
    """Fields that distinguish replies and heartbeats from notifications."""

    method: str = ""
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_CHANNEL = re.compile(r"(book|trades)\.\w+")
_PARTIAL = re.compile(r"book\.none\.\d+\.\w+")
_GROUPED = re.compile(r"book\.[\d.]+\.\d+\.\w+")
_KINDS = {"book": ChannelKind.BOOK, "trades": ChannelKind.TRADES}
decode_book = msgspec.json.Decoder(TypedEnvelope[BookFrame]).decode
_book = msgspec.json.Decoder(BookFrame).decode
_partial = msgspec.json.Decoder(_PartialFrame).decode
_trades = msgspec.json.Decoder(_TradeFrame).decode
_reply = msgspec.json.Decoder(_Reply).decode


@lru_cache(maxsize=64)
def channel_kind(channel: str) -> ChannelKind | None:
    """Kind of the frames on `book.100ms`, `trades.raw`, …; None for an unknown channel.

    Raises `InvalidRecord` for grouped books.
    """
    match = _CHANNEL.fullmatch(channel)
    if match:
        return _KINDS[match[1]]
    if _GROUPED.fullmatch(channel):
        raise InvalidRecord(
            f"{channel} is a grouped book, whose levels are sums over prices: subscribe to book.100ms", "envelope"
        )
    return ChannelKind.PARTIAL if _PARTIAL.fullmatch(channel) else None


def parse(kind: ChannelKind, frame: bytes, symbol: str) -> BookFrame | PartialMessage | Trades | None:
    """Event in a frame; None for replies and heartbeats.

    Raises `InvalidRecord` for an error of the venue, and msgspec's errors for a frame of another shape.
    """
    reply = _reply(frame)
    if reply.error is not UNSET:
        raise InvalidRecord(f"refused by the venue: {frame[:200].decode(errors='replace')}")
    if reply.result is not UNSET or reply.method == "heartbeat":
        return None
    if kind is ChannelKind.BOOK:
        return _book(frame)
    if kind is ChannelKind.PARTIAL:
        return _partial_message(_partial(frame).params.data, symbol)
    return [None if trade.is_off_book else _venue_trade(trade, symbol) for trade in _trades(frame).params.data]


def _partial_message(data: PartialData, symbol: str) -> PartialMessage:
    if data.instrument_name != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {data.instrument_name}")
    return PartialMessage(data.change_id, data.timestamp, data.bids, data.asks)


def _venue_trade(trade: TradeData, symbol: str) -> VenueTrade:
    if trade.instrument_name != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {trade.instrument_name}")
    buy = trade.direction == "buy"
    return VenueTrade("trades", trade.trade_seq, trade.trade_id, trade.timestamp, trade.price, trade.amount, buy)
