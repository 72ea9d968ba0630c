"""State of one key as a journal of net changes: the bytes written per batch do not grow with the number of levels.

An entry holds a small header (phase, ids, connections, trade ids) and, for each book, the newest size of every price
that the batch changed, as packed doubles. A side with fewer levels than were set is written whole, which costs less to
find and to write. Entries are MessagePack arrays that begin with a version. An entry with the whole book replaces the
journal: when every side is written whole anyway, and when the journal has outgrown the book (docs/state.md).
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from market.journal_entries import Append, Replace, UnknownVersion, version_of
from market.orderbook.book import Book
from market.orderbook.book_side import BookSide
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
        saved = [_SavedSide() for _ in sides]
        decode = _pending_decoder(pending_type).decode
        header = None
        for encoded in entries:
            entry = _decode(encoded)
            for levels, changes in zip(saved, entry.sides, strict=True):
                levels.add(changes)
            pending.restore(entry.cleared, [decode(frame) for frame in entry.pending])
            if entry.ticks is not None:
                ticks.restore(entry.ticks)
            if entry.trade_ticks is not None:
                trade_ticks.restore(entry.trade_ticks)
            self._header = header = entry.header
            self._size += len(encoded)
        if header is not None:
            for side, levels in zip(sides, saved, strict=True):
                levels.restore(side)
        return header


class _SavedSide:
    """One side by the entries so far: the newest whole side, and the net change since, which is applied once."""

    __slots__ = ("_changed", "_texts", "_whole")

    def __init__(self) -> None:
        self._whole = Changes(True, b"")
        self._changed: dict[float, float] = {}
        self._texts: dict[float, bytes] = {}  # of changed levels with a size

    def add(self, changes: Changes) -> None:
        """Add the changes of the next entry."""
        if changes.is_full:
            self._whole, self._changed, self._texts = changes, {}, {}
        elif changes.levels:
            prices, sizes = unpack(changes.levels)
            self._changed.update(zip(prices, sizes, strict=True))
            if changes.texts:
                with_size = (price for price, size in zip(prices, sizes, strict=True) if size)
                self._texts.update(zip(with_size, changes.texts, strict=True))

    def restore(self, side: BookSide) -> None:
        """Set the levels of a side."""
        whole, levels = self._whole, tuple(self._changed.items())
        side.restore(*unpack(whole.levels), whole.texts)
        if whole.known_to is not None:
            side.known_to, side.covered = whole.known_to, whole.covered
        if self._texts or side.has_texts:
            side.apply_texts(levels, [self._texts.get(price, b"") for price, _ in levels])
        elif levels:
            side.apply(levels)
        side.forget_changes()


def _decode(data: bytes) -> Entry:
    version = version_of(data)
    if version != VERSION:
        raise UnknownVersion(f"expected journal version {VERSION}, got {version}")
    return _entry(data)


def _take_changes(side: BookSide) -> Changes:
    is_full = side.is_full
    prices, sizes = side.take_changes()
    known_to = side.known_to if is_full and side.covered else None
    return Changes(is_full, pack(prices, sizes), side.checksum_texts_of(prices, sizes), known_to, side.covered)


@cache
def _pending_decoder(pending_type: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Decoder of the updates that wait for a snapshot."""
    return msgspec.msgpack.Decoder(pending_type)


def pack(prices: Sequence[float], sizes: Sequence[float]) -> bytes:
    """Encode alternating prices and sizes as little-endian doubles."""
    packed = array("d", bytes(LEVEL_BYTES * len(prices)))
    packed[0::2] = array("d", prices)
    packed[1::2] = array("d", sizes)
    return _to_little_endian(packed).tobytes()


def unpack(data: bytes) -> tuple[list[float], list[float]]:
    """Decode the result of `pack`: prices and sizes."""
    packed = array("d")
    packed.frombytes(data)
    values = _to_little_endian(packed).tolist()
    return values[0::2], values[1::2]


def _to_little_endian(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
