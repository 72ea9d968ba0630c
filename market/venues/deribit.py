"""Deribit: facts, wire shapes, sequence rule (venues.md §5). Sizes: USD for perpetuals, inverse futures; else coin."""

import re
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from market.envelope import Heard, Unusable
from market.side import Deed
from market.venues.wire import APPLY, GAP, SKIP, Id, Kind, Millis, Price, Print, Size, Step, Traded

WS = "wss://www.deribit.com/ws/api/v2"
WS_NO_KEY = "wss://streams.deribit.com/ws/api/v2"
REST = "https://www.deribit.com/api/v2"
PUBLIC_INTERVAL = "100ms"  # `raw` needs a key
HEARTBEAT_S = 30  # `public/set_heartbeat`; 10 is the least
CONNECTIONS_PER_IP = 32
SUBSCRIBE_CREDITS = 3_000  # of 30,000: about 3.3 calls/s, burst 10
CALL_CREDITS = 500  # of 50,000, refilled at 10,000/s
CHANNELS_PER_CALL = 200
INSTRUMENT_CALLS_PER_S = 1

Levels = list[tuple[Deed, Price, Size]]


class BookData(Struct, gc=False):
    """`book.{instrument}.{interval}`: all levels, or those that changed since `prev_change_id`. Time in ms."""

    type: Literal["snapshot", "change"]
    timestamp: Millis
    instrument_name: str
    change_id: Id
    bids: Levels
    asks: Levels
    prev_change_id: Id | None = None


class BookParams(Struct, gc=False):
    """Channel and data of a notification."""

    data: BookData


class BookFrame(Struct, gc=False):
    """A notification of a book channel."""

    method: Literal["subscription"]
    params: BookParams


class TradeData(Struct, gc=False):
    """One trade; `trade_seq` counts up by 1 within the instrument, `direction` is the taker's side."""

    trade_seq: Id
    trade_id: str
    timestamp: Millis
    instrument_name: str
    price: Traded
    amount: Traded
    direction: Literal["buy", "sell"]


class _TradeParams(Struct, gc=False):
    data: list[TradeData]


class _TradeFrame(Struct, gc=False):
    method: Literal["subscription"]
    params: _TradeParams


class _Reply(Struct, gc=False):
    """What tells replies and heartbeats from notifications."""

    method: str = ""
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


_CHANNEL = re.compile(r"(book|trades)\.\w+")
_KINDS = {"book": Kind.BOOK, "trades": Kind.TRADES}
decode_book = msgspec.json.Decoder(Heard[BookFrame]).decode
_book = msgspec.json.Decoder(BookFrame).decode
_trades = msgspec.json.Decoder(_TradeFrame).decode
_reply = msgspec.json.Decoder(_Reply).decode


@lru_cache(maxsize=64)
def kind(channel: str) -> Kind | None:
    """What `book.100ms`, `trades.raw`, … carry; None for a channel that is not known, grouped books included."""
    match = _CHANNEL.fullmatch(channel)
    return _KINDS[match[1]] if match else None


def parse(channel: Kind, frame: bytes, symbol: str) -> BookFrame | list[Print] | None:
    """The event in a frame; None for replies and heartbeats.

    Raises `Unusable` for an error of the venue, and msgspec's errors for a shape that is not the channel's.
    """
    reply = _reply(frame)
    if reply.error is not UNSET:
        raise Unusable(f"refused by the venue: {frame[:200].decode(errors='replace')}")
    if reply.result is not UNSET or reply.method == "heartbeat":
        return None
    if channel is Kind.BOOK:
        return _book(frame)
    return [_print(trade, symbol) for trade in _trades(frame).params.data]


def _print(trade: TradeData, symbol: str) -> Print:
    if trade.instrument_name != symbol:
        raise Unusable(f"expected symbol {symbol}, got {trade.instrument_name}")
    buy = trade.direction == "buy"
    return Print("trades", trade.trade_seq, trade.trade_id, trade.timestamp, trade.price, trade.amount, buy)


def is_snapshot(data: BookData) -> bool:
    """Whether it replaces the book: a `change` without a predecessor does so too (seen after an empty book)."""
    return data.type == "snapshot" or not data.prev_change_id


def step(book_id: int, data: BookData) -> Step:
    """What to do with a change when the book stands at `book_id`."""
    if data.prev_change_id == book_id:
        return APPLY
    return SKIP if data.change_id <= book_id else GAP
