"""Reader of the segment: books, trades, ticks and state of each key. The writer never waits for a reader."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic_ns
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.records import BookState
from ring.layout import (
    BOOK,
    BOOKS_AT,
    ENTRY_HEAD_BYTES,
    HEAD_BYTES,
    HEADER_BYTES,
    HEARTBEAT_AT,
    KEY_BYTES,
    KEYS_AT,
    STATE,
    STATE_AT,
    STATE_LOCK_AT,
    STATES,
    TICK_BYTES,
    TICK_INTEGERS,
    TICK_NUMBERS,
    TICKS_AT,
    TRADE_BYTES,
    TRADES_AT,
    WORD,
)
from ring.segment import RingError, WriterGone, fence, open_segment

Floats = npt.NDArray[np.float64]
Records = npt.NDArray[np.void]
HEARTBEAT_NS = 3_000_000_000  # age from which the writer counts as gone
TRADES = np.dtype(
    {
        "names": ["lock", "event_time", "recv_us", "written_ns", "price", "size", "side"],
        "formats": ["u8", "i8", "i8", "i8", "f8", "f8", "i8"],
        "itemsize": TRADE_BYTES,
    }
)
TICKS = np.dtype(
    {
        "names": ["lock", "written_ns", *TICK_INTEGERS, *TICK_NUMBERS],
        "formats": ["u8"] + ["i8"] * (1 + len(TICK_INTEGERS)) + ["f8"] * len(TICK_NUMBERS),
        "itemsize": TICK_BYTES,
    }
)


class State(NamedTuple):
    """State of a book and its begin, epoch ms. None: not known yet."""

    state: BookState | None
    since: int


class RingBook:
    """One book. `bids` and `asks` (n, 2): price and size, best first; views into shared memory, not to be kept.

    They stay as they are until the writer has written as many further books of the key as the ring has (16 by default).
    `is_intact` is True if that has not happened yet: check it after the views were used. `written_ns`: monotonic clock.
    """

    __slots__ = ("_at", "_lock", "_words", "asks", "bids", "event_time", "recv_us", "update_id", "written_ns")

    bids: Floats
    asks: Floats
    event_time: int
    recv_us: int
    update_id: int
    written_ns: int
    _words: memoryview
    _at: int
    _lock: int

    @property
    def is_intact(self) -> bool:
        """True if the views still show this book."""
        fence()
        return bool(self._words[self._at] == self._lock)

    @property
    def age_s(self) -> float:
        """Seconds since the book was written."""
        return (monotonic_ns() - self.written_ns) / 1e9


class Slot:
    """The values of one key."""

    def __init__(self, ring: "Ring", key: str, offset: int) -> None:
        self.key = key
        self._ring = ring
        self._offset = offset
        self._words = ring.words
        layout, memory = ring.layout, ring.memory
        starts = (offset + HEAD_BYTES + number * layout.book_bytes for number in range(layout.books))
        shape = (layout.levels, 2)
        self._books: list[tuple[int, Floats, Floats]] = [
            (
                at,
                np.ndarray(shape, np.float64, memory, at + ENTRY_HEAD_BYTES),
                np.ndarray(shape, np.float64, memory, at + layout.asks_at),
            )
            for at in starts
        ]
        self._trades: Records = np.ndarray(layout.trades, TRADES, memory, offset + layout.trades_at)
        self._ticks: Records = np.ndarray(layout.ticks, TICKS, memory, offset + layout.ticks_at)

    def book(self) -> RingBook | None:
        """The newest book; None before the first one. Raises WriterGone."""
        ring, words, counter = self._ring, self._words, (self._offset + BOOKS_AT) // WORD
        ring.check_writer()
        while count := words[counter]:
            at, bids, asks = self._books[(count - 1) % len(self._books)]
            fence()
            if words[at // WORD] == 2 * count:
                book = RingBook()
                book.event_time, book.recv_us, book.update_id, book.written_ns, bid_count, ask_count = BOOK.unpack_from(
                    ring.memory, at + WORD
                )
                fence()
                if words[at // WORD] == 2 * count:
                    book.bids, book.asks = bids[:bid_count], asks[:ask_count]
                    book._words, book._at, book._lock = words, at // WORD, 2 * count
                    return book
        return None

    def trades(self, count: int = 256) -> Records:
        """A copy of the newest trades, oldest first. `side`: 1 the taker bought, -1 sold. Raises WriterGone."""
        return self._newest(self._trades, TRADES_AT, count)

    def ticks(self, count: int = 64) -> Records:
        """A copy of the newest ticks, oldest first; undefined numbers are NaN. Raises WriterGone."""
        return self._newest(self._ticks, TICKS_AT, count)

    @property
    def state(self) -> State:
        """The state of the book. Raises WriterGone."""
        self._ring.check_writer()
        words, lock = self._words, (self._offset + STATE_LOCK_AT) // WORD
        while True:
            before = words[lock]
            fence()
            number, since = STATE.unpack_from(self._ring.memory, self._offset + STATE_AT)
            fence()
            if before % 2 == 0 and words[lock] == before:
                return State(STATES[number - 1] if number else None, since)

    def _newest(self, entries: Records, counter: int, count: int) -> Records:
        self._ring.check_writer()
        written = self._words[(self._offset + counter) // WORD]
        numbers = np.arange(max(written - min(count, len(entries)), 0), written, dtype=np.uint64)
        places, locks = numbers % np.uint64(len(entries)), 2 * (numbers + np.uint64(1))
        before = entries["lock"][places]
        fence()
        found: Records = entries[places]
        fence()
        whole: Records = found[(before == locks) & (entries["lock"][places] == locks)]
        return whole


class Ring:
    """The segment of a running `depthflow ring`: a mapping of `venue:symbol` to slots."""

    def __init__(self, path: Path) -> None:
        """Raises RingError if there is no segment, or one of another version."""
        self.path = path
        self.memory, self.layout = open_segment(path)
        self.words = memoryview(self.memory).cast("Q")
        self._slots: dict[str, Slot] = {}
        self._keys: list[str] = []

    def keys(self) -> list[str]:
        """All keys, in the order of their appearance."""
        count = self.words[KEYS_AT // WORD]
        fence()
        for number in range(len(self._keys), count):
            at = HEADER_BYTES + number * KEY_BYTES
            self._keys.append(self.memory[at : at + KEY_BYTES].rstrip(b"\0").decode())
        return list(self._keys)

    def __getitem__(self, key: str) -> Slot:
        """The slot of a key; to be kept, since finding it takes longer than reading it. Raises RingError."""
        if key not in self._slots:
            keys = self.keys()
            if key not in keys:
                raise RingError(f"the ring has no {key}: expected one of {', '.join(sorted(keys)) or 'no key yet'}")
            self._slots[key] = Slot(self, key, self.layout.slots_at + keys.index(key) * self.layout.slot_bytes)
        return self._slots[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def book(self, key: str) -> RingBook | None:
        """The newest book of a key; None before the first one. Raises RingError, WriterGone."""
        return self[key].book()

    def check_writer(self) -> None:
        """Raises WriterGone if the writer has written no heartbeat for three seconds."""
        age_ns = monotonic_ns() - self.words[HEARTBEAT_AT // WORD]
        if age_ns > HEARTBEAT_NS:
            ended = self.words[HEARTBEAT_AT // WORD] == 0
            cause = "has ended" if ended else f"has been silent for {age_ns / 1e9:.1f} s"
            raise WriterGone(f"the writer of {self.path} {cause}: start `depthflow ring` and open the ring again")
