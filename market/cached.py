"""What the cache is told of books and trades: names and messages as in design.md §4, without a client library."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from market.records import Trade

HELD_RECORDS = 10_000  # of one book, waiting for theirs; more than the longest batch of the books job says


class Stamp(Struct, frozen=True, gc=False):
    """What tells one processed record from another."""

    update_id: int
    event_time: int


class BookLine(Struct, frozen=True, gc=False):
    """A record of `orderbook.books` whose levels are passed on as they are."""

    venue: str
    symbol: str
    event_time: int
    update_id: int
    bids: Raw
    asks: Raw


class BookMessage(Struct, frozen=True, gc=False):
    """What subscribers of a book's channel get; `timestamp` in epoch ms."""

    symbol: str
    bids: Raw
    asks: Raw
    last_update_id: int
    timestamp: int


class TradeMessage(Struct, frozen=True, gc=False):
    """What subscribers of a symbol's trades get; `timestamp` in epoch ms."""

    symbol: str
    trade_id: str
    price: float
    quantity: float
    timestamp: int
    is_buyer_maker: bool


class Latest(NamedTuple):
    """The newest of one book: its record with its levels, and the message about it."""

    update_id: int
    event_time: int
    record: bytes
    message: bytes


decode_stamp = msgspec.json.Decoder(Stamp).decode
decode_book = msgspec.json.Decoder(BookLine).decode
decode_trade = msgspec.json.Decoder(Trade).decode
encode = msgspec.json.Encoder().encode


def names(kind: str, key: str, default_venue: str) -> tuple[str, ...]:
    """`kind:venue:SYMBOL` of a record key, and for the default venue `kind:SYMBOL` as well."""
    venue, _, symbol = key.partition(":")
    full = f"{kind}:{venue}:{symbol.upper()}"
    return (full, f"{kind}:{symbol.upper()}") if venue == default_venue else (full,)


def trade_message(value: bytes) -> bytes:
    """The message about one record of `trades`. Raises msgspec.DecodeError for what is none."""
    trade = decode_trade(value)
    return encode(
        TradeMessage(trade.symbol, trade.trade_id, trade.price, trade.size, trade.event_time, trade.side == "sell")
    )


@dataclass
class Pairing:
    """Finds to a book's levels the processed record of the same update, whichever topic is read first.

    Every record of `orderbook.books` has its processed record; what is older than the newest pair is let go.
    """

    records: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    book: bytes = b""
    wanted: BookLine | None = None

    def add_record(self, value: bytes) -> None:
        """A line of `orderbook.processed`. Raises msgspec.DecodeError for what is none."""
        self.records[decode_stamp(value).update_id] = value
        if len(self.records) > HELD_RECORDS:
            self.records.popitem(last=False)

    def add_book(self, value: bytes) -> Latest | None:
        """A line of `orderbook.books`; what is newest now, if its record is here. Raises msgspec.DecodeError."""
        self.wanted, self.book = decode_book(value), value
        return self.pair()

    def pair(self) -> Latest | None:
        """The newest book with its record, once."""
        book = self.wanted
        record = self.records.get(book.update_id) if book else None
        if book is None or record is None:
            return None
        self.wanted = None
        while next(iter(self.records)) != book.update_id:
            self.records.popitem(last=False)
        levels = b',"bids":%b,"asks":%b}' % (bytes(book.bids), bytes(book.asks))
        message = BookMessage(book.symbol, book.bids, book.asks, book.update_id, book.event_time)
        return Latest(book.update_id, book.event_time, record[:-1] + levels, encode(message))

    def newest(self) -> list[bytes]:
        """What a restart must know: the last record and the last book."""
        return [next(reversed(self.records.values()), b""), self.book]

    @classmethod
    def restore(cls, newest: list[bytes]) -> "Pairing":
        """From what `newest` gave, which may be nothing."""
        pairing = cls()
        record, book = newest or (b"", b"")
        if record:
            pairing.add_record(record)
        if book:
            pairing.add_book(book)
        return pairing
