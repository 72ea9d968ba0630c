"""State of one key as a journal of net changes: the bytes written per batch do not grow with the number of levels.

An entry holds a small header (phase, ids, connections, trade ids) and, for each book, the newest size of every price
that the batch changed, as packed doubles. A side with fewer levels than were set is written whole, which costs less to
find and to write. Entries are MessagePack arrays that begin with a version. An entry with the whole book replaces the
journal: when every side is written whole anyway, and when the journal has outgrown the book (docs/state.md).
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from market.journal_entries import Append, Replace, UnknownVersion
from market.orderbook.book import Book
from market.orderbook.book_side import BookSide, Level
from market.orderbook.book_sync import PendingUpdates
from market.orderbook.book_ticks import BookTicks
from market.orderbook.tick_state import TickChanges
from market.orderbook.trade_ticks import TradeChanges, TradeTicks

VERSION = 1
SLACK_BYTES = 4096  # a small book is not rewritten every few batches
LEVEL_BYTES = 16


class Changes(Struct, array_like=True, gc=False):
    """Net change of one side, or the whole side if `is_full`: price, size, price, size … as little-endian doubles.

    `texts`: checksum texts of the prices with a size, in their order, for books that have them. `known_to` and
    `covered` of a whole side that a truncated snapshot gave (`BookSide`).
    """

    is_full: bool
    levels: bytes
    texts: list[bytes] = []
    known_to: float | None = None
    covered: int = 0


class Entry(Struct, array_like=True, gc=False):
    """Changes of one batch. `pending`: updates that wait for a snapshot, added to earlier ones unless `cleared`.

    `ticks`, `trade_ticks`: None without a change, and in entries of versions without ticks.
    """

    version: int
    header: bytes
    sides: list[Changes]
    cleared: bool = False
    pending: list[bytes] = []
    ticks: TickChanges | None = None
    trade_ticks: TradeChanges | None = None


encode = msgspec.msgpack.Encoder().encode
_entry = msgspec.msgpack.Decoder(Entry).decode
_version = msgspec.msgpack.Decoder(list[Any]).decode


class Journal:
    """Writes the journal of one key, entry by entry, and reads it back."""

    __slots__ = ("_header", "_size")

    def __init__(self) -> None:
        self._header = b""
        self._size = 0

    def write(
        self,
        header: bytes,
        books: tuple[Book, ...],
        pending: PendingUpdates,
        ticks: BookTicks,
        trade_ticks: TradeTicks,
    ) -> Append | Replace | None:
        """Return the entry for the changes since the last call; None if nothing changed."""
        sides = [side for book in books for side in (book.bids, book.asks)]
        dirty = ticks.changed or trade_ticks.changed or any(side.dirty for side in sides)
        if header == self._header and not dirty and not pending.unsaved and not pending.cleared:
            return None
        self._header = header
        book_bytes = sum(map(len, sides)) * LEVEL_BYTES + len(pending.frames) * SLACK_BYTES + SLACK_BYTES
        book_bytes += ticks.journal_bytes
        # A journal begins with the whole book, so twice the book leaves room for as many bytes of changes. A lower
        # limit would rewrite a deep book every few batches.
        replace = self._size > 2 * book_bytes or all(side.is_full for side in sides)
        if replace:
            self._size = 0
            for side in sides:
                side.is_full = True
        unsaved = pending.take_unsaved(everything=replace)
        changes = ticks.take_changes(replace), trade_ticks.take_changes(replace)
        entry = encode(Entry(VERSION, header, [_take_changes(side) for side in sides], *unsaved, *changes))
        self._size += len(entry)
        return Replace(entry) if replace else Append(entry)

    def read(
        self,
        entries: Iterable[bytes],
        books: tuple[Book, ...],
        pending: PendingUpdates,
        pending_type: Any,
        ticks: BookTicks,
        trade_ticks: TradeTicks,
    ) -> bytes | None:
        """Apply a journal to empty books and ticks. Returns the newest header, None for an empty journal.

        Raises `UnknownVersion` for entries of another version.
        """
        sides = [side for book in books for side in (book.bids, book.asks)]
        decode = msgspec.msgpack.Decoder(pending_type).decode
        header = None
        for encoded in entries:
            entry = _decode(encoded)
            for side, changes in zip(sides, entry.sides, strict=True):
                _apply_changes(side, changes)
            pending.restore(entry.cleared, [decode(frame) for frame in entry.pending])
            if entry.ticks is not None:
                ticks.restore(entry.ticks)
            if entry.trade_ticks is not None:
                trade_ticks.restore(entry.trade_ticks)
            self._header = header = entry.header
            self._size += len(encoded)
        return header


def _decode(data: bytes) -> Entry:
    version = _version(data)[0]
    if version != VERSION:
        raise UnknownVersion(f"expected journal version {VERSION}, got {version}")
    return _entry(data)


def _take_changes(side: BookSide) -> Changes:
    is_full = side.is_full
    prices, sizes = side.take_changes()
    known_to = side.known_to if is_full and side.covered else None
    return Changes(is_full, pack(prices, sizes), side.checksum_texts_of(prices, sizes), known_to, side.covered)


def _apply_changes(side: BookSide, changes: Changes) -> None:
    levels = unpack(changes.levels)
    has_texts = bool(changes.texts) or side.has_texts
    if changes.is_full:
        side.replace(() if has_texts else levels)
    if has_texts:
        texts = iter(changes.texts)
        side.apply_texts(levels, [next(texts) if size else b"" for _, size in levels])
    elif levels and not changes.is_full:
        side.apply(levels)
    if changes.is_full and changes.known_to is not None:
        side.known_to, side.covered = changes.known_to, changes.covered
    side.take_changes()


def pack(prices: Sequence[float], sizes: Sequence[float]) -> bytes:
    """Encode alternating prices and sizes as little-endian doubles."""
    packed = array("d", bytes(LEVEL_BYTES * len(prices)))
    packed[0::2] = array("d", prices)
    packed[1::2] = array("d", sizes)
    return _to_little_endian(packed).tobytes()


def unpack(data: bytes) -> list[Level]:
    """Decode the result of `pack`."""
    packed = array("d")
    packed.frombytes(data)
    values = iter(_to_little_endian(packed))
    return list(zip(values, values, strict=True))


def _to_little_endian(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
