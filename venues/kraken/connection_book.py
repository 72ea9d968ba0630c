"""Kraken's book on one connection: a message is read, applied and proven by its checksum."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from core.envelope import InvalidRecord, TypedEnvelope, check_event_time
from market.orderbook.book import Book
from market.orderbook.book_side import Level
from venues.kraken import messages
from venues.kraken.checksum import checksum
from venues.kraken.messages import BookFrame

Levels = list[Level]
Texts = Sequence[bytes]


class ConnectionBookState(Struct, array_like=True):
    """State of one connection's book: last `seq`, subscribed depth, consecutive faults. `synced`: the book is right.

    `synced_us` and `received_us` are the receive times of its snapshot and of its last message; `message_us` is the
    venue's time of that message. `requested_us`: receive time of the last request for a snapshot as a standby.
    """

    conn: str | None = None
    synced: bool = False
    seq: int = -1
    depth: int = 0
    faults: int = 0
    synced_us: int = 0
    received_us: int = 0
    message_us: int = 0
    requested_us: int = 0


class BookMessage(Struct, gc=False):
    """A book message: levels, their checksum texts, time in epoch µs, flags of the record."""

    snapshot: bool
    bids: Levels
    asks: Levels
    bid_texts: Texts
    ask_texts: Texts
    checksum: int
    time_us: int
    flags: Sequence[str]

    @property
    def event_time(self) -> int:
        """Epoch ms."""
        return self.time_us // 1000


class Fault(NamedTuple):
    """Reason for dropping a book, with the expected and the actual `seq` or checksum where the reason has them."""

    reason: str
    expected: int | None = None
    actual: int | None = None


def read_message(envelope: TypedEnvelope[BookFrame], symbol: str) -> BookMessage:
    """BookMessage in a frame. Raises `InvalidRecord`."""
    data, snapshot = envelope.frame.data[0], envelope.frame.type == "snapshot"
    if data.symbol != symbol:
        raise InvalidRecord(f"expected symbol {symbol}, got {data.symbol}")
    if data.timestamp is None and not snapshot:
        raise InvalidRecord("expected a timestamp on an update, got none")
    flags = ("receive_time",) if data.timestamp is None else ()
    time_us = envelope.recv_us if data.timestamp is None else messages.epoch_us(data.timestamp)
    check_event_time(time_us // 1000, envelope.recv_us)
    bids, bid_texts = messages.levels(data.bids)
    asks, ask_texts = messages.levels(data.asks)
    return BookMessage(snapshot, bids, asks, bid_texts, ask_texts, data.checksum, time_us, flags)


def apply(book: Book, message: BookMessage, depth: int) -> Fault | None:
    """Apply a whole message, truncate to the subscribed depth, then check; return the fault found, if any."""
    if message.snapshot:
        book.clear()
    sides = ((book.bids, message.bids, message.bid_texts), (book.asks, message.asks, message.ask_texts))
    for side, levels, texts in sides:
        if levels:
            side.apply_texts(levels, texts)
            side.truncate(depth)
    actual = checksum(book)
    if actual != message.checksum:
        return Fault("checksum", message.checksum, actual)
    return Fault("crossed") if book.crossed() else None
