"""Layout of the segment, the same as in `depthflow_ring.h`. Integers and doubles are those of the machine.

    header        64 bytes at 0
    key table     one entry of 128 bytes for each slot: `venue:symbol`, UTF-8, filled with zeros
    slots         one for each key: its head of 64 bytes, a ring of books, a ring of trades, a ring of ticks

An entry of a ring begins with its lock: 2n - 1 while the n-th value of the key is being written, and 2n when it is
complete. n counts from 1, and the n-th value lies at (n - 1) % size. The head of the slot counts the complete values.
A reader takes the count, checks that the lock is twice the count, uses the entry, and checks the lock again: unchanged,
the entry was whole. The state in the head of a slot has a lock of its own: odd while it is being written.
"""

from dataclasses import dataclass
from struct import Struct
from typing import get_args

from core.records import BookState

MAGIC = int.from_bytes(b"DPTHRING", "little")
VERSION = 1
WORD = 8

HEADER_BYTES = 64
# magic, version, slots, levels, books, trades, ticks (u32 each), slot_bytes, writer's heartbeat, time of the newest
# record (both ns of the monotonic clock), number of keys
HEADER = Struct("=QIIIIIIQQQQ")
HEARTBEAT_AT, NEWEST_AT, KEYS_AT = 40, 48, 56

KEY_BYTES = 128

HEAD_BYTES = 64
BOOKS_AT, TRADES_AT, TICKS_AT, STATE_LOCK_AT, STATE_AT = 0, 8, 16, 24, 32
STATE = Struct("=qq")  # state, its begin in epoch ms
STATES: tuple[BookState, ...] = get_args(BookState)  # numbered from 1; 0 is unknown

ENTRY_HEAD_BYTES = 64
BOOK = Struct("=qqqqii")  # event_time, recv_us, update_id, written_ns, number of bids, number of asks
LEVEL_BYTES = 16  # price and size
TRADE_BYTES = 64
TRADE = Struct("=qqqddq")  # event_time, recv_us, written_ns, price, size, side: 1 taker bought, -1 sold
TICK_BYTES = 128
TICK_INTEGERS = ("seq", "start", "end", "event_time", "updates")
TICK_NUMBERS = (
    *("mid", "microprice", "spread_bps", "bid_depth", "ask_depth"),
    *("imbalance", "weighted_imbalance", "ofi_sum", "ofi_1s"),
)
TICK = Struct("=6q9d")  # written_ns and TICK_INTEGERS, then TICK_NUMBERS; undefined numbers are NaN


@dataclass(frozen=True)
class Layout:
    """Sizes of a segment: number of slots, levels of a side, and entries of each ring."""

    slots: int = 1024
    levels: int = 20
    books: int = 16
    trades: int = 256
    ticks: int = 64

    @property
    def book_bytes(self) -> int:
        return ENTRY_HEAD_BYTES + 2 * self.levels * LEVEL_BYTES

    @property
    def asks_at(self) -> int:
        """Offset of the asks in a book."""
        return ENTRY_HEAD_BYTES + self.levels * LEVEL_BYTES

    @property
    def trades_at(self) -> int:
        """Offset of the trades in a slot."""
        return HEAD_BYTES + self.books * self.book_bytes

    @property
    def ticks_at(self) -> int:
        """Offset of the ticks in a slot."""
        return self.trades_at + self.trades * TRADE_BYTES

    @property
    def slot_bytes(self) -> int:
        return self.ticks_at + self.ticks * TICK_BYTES

    @property
    def slots_at(self) -> int:
        return HEADER_BYTES + self.slots * KEY_BYTES

    @property
    def bytes(self) -> int:
        return self.slots_at + self.slots * self.slot_bytes
