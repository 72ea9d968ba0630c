"""State as a journal of net changes (flink.md §5.4): what a batch writes does not grow with the number of levels.

An entry holds a small header (phase, ids, connections, trade ids) and, per book, the last size of every price that the
batch touched, as packed doubles; of a side that has fewer levels than were set, all of them, which costs less to find
and to write. Entries are MessagePack arrays, version first. An entry that holds the whole book replaces the journal:
when nothing less was to be written, and when the journal has grown past the book.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from market.book import Book
from market.feeds.base import Held
from market.side import Level, Side

VERSION = 1
SLACK_BYTES = 4096  # a small book is not rewritten every few batches
LEVEL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Append:
    """Add this entry to the key's journal."""

    entry: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Put this entry in the place of the key's whole journal."""

    entry: bytes


class Changes(Struct, array_like=True, gc=False):
    """Net change of one side, or with `whole` all of it: price, size, price, size … as little-endian doubles.

    `texts` are the checksum digits of the prices that have a size, in their order, for books that keep them.
    """

    whole: bool
    levels: bytes
    texts: list[bytes] = []


class Entry(Struct, array_like=True, gc=False):
    """One batch. `held`: updates that wait for a snapshot, added to those of earlier entries unless `cleared`."""

    version: int
    header: bytes
    sides: list[Changes]
    cleared: bool = False
    held: list[bytes] = []


class UnknownVersion(ValueError):
    """A journal that this code cannot read."""


encode = msgspec.msgpack.Encoder().encode
_entry = msgspec.msgpack.Decoder(Entry).decode
_version = msgspec.msgpack.Decoder(list[Any]).decode


class Journal:
    """Decides what to write after each batch. `size` is what the key's state holds by now, in bytes."""

    __slots__ = ("_header", "_size")

    def __init__(self) -> None:
        self._header = b""
        self._size = 0

    def write(self, header: bytes, books: tuple[Book, ...], held: Held) -> Append | Replace | None:
        """The entry for what changed since the last call; None when nothing did."""
        sides = [side for book in books for side in (book.bids, book.asks)]
        touched = any(side.touched for side in sides)
        if header == self._header and not touched and not held.fresh and not held.cleared:
            return None
        self._header = header
        whole = sum(map(len, sides)) * LEVEL_BYTES + len(held.frames) * SLACK_BYTES + SLACK_BYTES
        # A journal opens with the whole book, so that twice its size is a book's worth of changes: rewriting any sooner
        # would write a deep book anew every few batches.
        replace = self._size > 2 * whole or all(side.whole for side in sides)
        if replace:
            self._size = 0
            for side in sides:
                side.whole = True
        fresh = held.take(everything=replace)
        entry = encode(Entry(VERSION, header, [_take(side) for side in sides], *fresh))
        self._size += len(entry)
        return Replace(entry) if replace else Append(entry)

    def read(self, entries: Iterable[bytes], books: tuple[Book, ...], held: Held, frame_type: Any) -> bytes | None:
        """Replay a journal into empty books; returns the newest header, None for an empty journal.

        Raises `UnknownVersion` for entries of another version.
        """
        sides = [side for book in books for side in (book.bids, book.asks)]
        decode = msgspec.msgpack.Decoder(frame_type).decode
        header = None
        for data in entries:
            entry = _open(data)
            for side, changes in zip(sides, entry.sides, strict=True):
                _give(side, changes)
            held.give(entry.cleared, [decode(frame) for frame in entry.held])
            self._header = header = entry.header
            self._size += len(data)
        return header


def _open(data: bytes) -> Entry:
    version = _version(data)[0]
    if version != VERSION:
        raise UnknownVersion(f"expected journal version {VERSION}, got {version}")
    return _entry(data)


def _take(side: Side) -> Changes:
    whole = side.whole
    prices, sizes = side.take_changes()
    return Changes(whole, pack(prices, sizes), side.digits_of(prices, sizes))


def _give(side: Side, changes: Changes) -> None:
    levels = unpack(changes.levels)
    if changes.whole:
        side.replace(levels)
    elif levels:
        side.apply(levels)
    if changes.texts:
        side.spell([level for level in levels if level[1]], changes.texts)
    side.take_changes()


def pack(prices: Sequence[float], sizes: Sequence[float]) -> bytes:
    """Prices and sizes in turn as little-endian doubles."""
    packed = array("d", bytes(LEVEL_BYTES * len(prices)))
    packed[0::2] = array("d", prices)
    packed[1::2] = array("d", sizes)
    return _little(packed).tobytes()


def unpack(data: bytes) -> list[Level]:
    """What `pack` packed."""
    packed = array("d")
    packed.frombytes(data)
    values = iter(_little(packed))
    return list(zip(values, values, strict=True))


def _little(values: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        values.byteswap()
    return values
