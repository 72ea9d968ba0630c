"""One connection's Kraken book: reading a message, applying it, and proving the result by the venue's checksum."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from market.book import Book
from market.envelope import Heard, Unusable, check_time
from market.side import Level
from market.venues import kraken
from market.venues.kraken import BookFrame

Levels = list[Level]
Texts = Sequence[bytes]


class LaneState(Struct, array_like=True):
    """One connection's book: its last `seq`, the subscribed depth, faults in a row.

    `gained_us` and `heard_us` are the receive times of its snapshot and of its last message, `said_us` is the time of
    that message itself.
    """

    conn: str | None = None
    live: bool = False
    seq: int = -1
    depth: int = 0
    faults: int = 0
    gained_us: int = 0
    heard_us: int = 0
    said_us: int = 0


class Message(Struct, gc=False):
    """A book message, read: levels and their checksum digits, its time in epoch µs, what to flag in the record."""

    snapshot: bool
    bids: Levels
    asks: Levels
    bid_texts: Texts
    ask_texts: Texts
    checksum: int
    micros: int
    flags: Sequence[str]

    @property
    def event_time(self) -> int:
        """Epoch ms."""
        return self.micros // 1000


class Fault(NamedTuple):
    """Why a book is lost, with expected and actual `seq` or checksum where there are such."""

    reason: str
    expected: int | None = None
    actual: int | None = None


def read_message(heard: Heard[BookFrame], symbol: str) -> Message:
    """The message in a frame. Raises `Unusable`."""
    data, snapshot = heard.frame.data[0], heard.frame.type == "snapshot"
    if data.symbol != symbol:
        raise Unusable(f"expected symbol {symbol}, got {data.symbol}")
    if data.timestamp is None and not snapshot:
        raise Unusable("expected a timestamp on an update, got none")
    flags = ("receive_time",) if data.timestamp is None else ()
    micros = heard.recv_us if data.timestamp is None else kraken.micros(data.timestamp)
    check_time(micros // 1000, heard.recv_us)
    bids, bid_texts = kraken.levels(data.bids)
    asks, ask_texts = kraken.levels(data.asks)
    return Message(snapshot, bids, asks, bid_texts, ask_texts, data.checksum, micros, flags)


def apply(book: Book, message: Message, depth: int) -> Fault | None:
    """Apply a whole message, then truncate to the subscribed depth, then check; the fault found, if any."""
    if message.snapshot:
        book.replace(message.bids, message.asks)
    sides = ((book.bids, message.bids, message.bid_texts), (book.asks, message.asks, message.ask_texts))
    for side, levels, texts in sides:
        if levels:
            if not message.snapshot:
                side.apply(levels)
            side.spell(levels, texts)
            side.truncate(depth)
    actual = kraken.checksum(book)
    if actual != message.checksum:
        return Fault("checksum", message.checksum, actual)
    return Fault("crossed") if book.crossed() else None
