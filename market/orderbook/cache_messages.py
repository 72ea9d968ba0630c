"""Channel names and messages of books and trades for Redis, without a client library."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from core.records import Trade

# Records of one book that wait for its levels, in bytes: about 450 records. In a backlog, older ones are discarded; the
# last record of every batch of the books job has levels, so the newest book is complete once the job has caught up.
MAX_UNMATCHED_BYTES = 256 * 1024


class RecordId(Struct, frozen=True, gc=False):
    """Fields that identify a processed record."""

    update_id: int
    event_time: int


class BookLevels(Struct, frozen=True, gc=False):
    """Record of `orderbook.books`; its levels stay encoded."""

    venue: str
    symbol: str
    event_time: int
    update_id: int
    bids: Raw
    asks: Raw


class BookMessage(Struct, frozen=True, gc=False):
    """Message on a book's channel; `timestamp` in epoch ms."""

    symbol: str
    bids: Raw
    asks: Raw
    last_update_id: int
    timestamp: int


class TradeMessage(Struct, frozen=True, gc=False):
    """Message on the trades channel of a symbol; `timestamp` in epoch ms."""

    symbol: str
    trade_id: str
    price: float
    quantity: float
    timestamp: int
    is_buyer_maker: bool


class LatestBook(NamedTuple):
    """Newest state of one book: its metrics record with its levels, and the message to publish."""

    update_id: int
    event_time: int
    record: bytes
    message: bytes


_decode_record_id = msgspec.json.Decoder(RecordId).decode
_decode_book = msgspec.json.Decoder(BookLevels).decode
_decode_trade = msgspec.json.Decoder(Trade).decode
_encode = msgspec.json.Encoder().encode


def channel_names(kind: str, key: str, default_venue: str) -> tuple[str, ...]:
    """Return `kind:venue:SYMBOL` for a record key, and for the default venue `kind:SYMBOL` as well."""
    venue, _, symbol = key.partition(":")
    full = f"{kind}:{venue}:{symbol.upper()}"
    return (full, f"{kind}:{symbol.upper()}") if venue == default_venue else (full,)


def trade_message(value: bytes) -> bytes:
    """Return the message for one record of `trades`. Raises one of DECODE_ERRORS for anything else."""
    trade = _decode_trade(value)
    return _encode(
        TradeMessage(trade.symbol, trade.trade_id, trade.price, trade.size, trade.event_time, trade.side == "sell")
    )


@dataclass
class BookRecordJoin:
    """Joins book levels with the metrics record of the same update, in whichever order the topics are read.

    Every record of `orderbook.books` has a record in `orderbook.processed`. Records older than the newest match are
    discarded. `unmatched`: the newest levels, until their record has arrived. `record_bytes`: size of `records`.
    """

    records: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    book: bytes = b""
    unmatched: BookLevels | None = None
    record_bytes: int = 0

    def add_record(self, value: bytes, limit_bytes: int = MAX_UNMATCHED_BYTES) -> None:
        """Add a record of `orderbook.processed`. The oldest are discarded while all together exceed `limit_bytes`.

        The newest one always stays. Raises one of DECODE_ERRORS for anything else.
        """
        update_id = _decode_record_id(value).update_id
        self.record_bytes += len(value) - len(self.records.get(update_id, b""))
        self.records[update_id] = value
        while self.record_bytes > limit_bytes and len(self.records) > 1:
            self._discard_oldest()

    def _discard_oldest(self) -> None:
        self.record_bytes -= len(self.records.popitem(last=False)[1])

    def add_book(self, value: bytes) -> LatestBook | None:
        """Add a record of `orderbook.books` and return the match, if there is one. Raises one of DECODE_ERRORS."""
        self.unmatched, self.book = _decode_book(value), value
        return self.match()

    def match(self) -> LatestBook | None:
        """Return the newest levels with their record, once; None while the record is missing."""
        book = self.unmatched
        record = self.records.get(book.update_id) if book else None
        if book is None or record is None:
            return None
        self.unmatched = None
        while next(iter(self.records)) != book.update_id:
            self._discard_oldest()
        levels = b',"bids":%b,"asks":%b}' % (bytes(book.bids), bytes(book.asks))
        message = BookMessage(book.symbol, book.bids, book.asks, book.update_id, book.event_time)
        return LatestBook(book.update_id, book.event_time, record[:-1] + levels, _encode(message))

    def saved(self) -> list[bytes]:
        """Return the state to restore from: the last record and the last levels."""
        return [next(reversed(self.records.values()), b""), self.book]

    @classmethod
    def restore(cls, saved: list[bytes]) -> "BookRecordJoin":
        """Restore from the result of `saved`; an empty list gives a new join."""
        join = cls()
        record, book = saved or (b"", b"")
        if record:
            join.add_record(record)
        if book:
            join.add_book(book)
        return join
