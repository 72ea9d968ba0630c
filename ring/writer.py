"""Writer of the segment. One thread writes; readers are never waited for."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from struct import Struct
from time import monotonic_ns

from core.records import BookState, Trade
from market.orderbook.tick_records import BookTick
from ring.layout import (
    BOOK,
    BOOKS_AT,
    ENTRY_HEAD_BYTES,
    HEAD_BYTES,
    HEADER_BYTES,
    HEARTBEAT_AT,
    KEY_BYTES,
    KEYS_AT,
    NEWEST_AT,
    STATE,
    STATE_AT,
    STATE_LOCK_AT,
    STATES,
    TICK,
    TICK_BYTES,
    TICK_INTEGERS,
    TICK_NUMBERS,
    TICKS_AT,
    TRADE,
    TRADE_BYTES,
    TRADES_AT,
    WORD,
    Layout,
)
from ring.segment import create, fence

FlatLevels = Sequence[float]  # price, size, price, size, …, best first
STATE_NUMBERS = {state: number for number, state in enumerate(STATES, start=1)}


class RingWriter:
    """Creates the segment and writes it. Raises `ring.segment.RingError` while another writer has it.

    Values of keys beyond the number of slots, and of keys longer than 127 bytes, are left out: see `refused`.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.layout = layout
        self.path = path
        self.refused: set[str] = set()
        self._memory, self._file = create(path, layout)
        self._words = memoryview(self._memory).cast("Q")
        self._levels = [Struct(f"{2 * count}d").pack_into for count in range(layout.levels + 1)]
        self._full = 2 * layout.levels  # numbers of a side with all levels
        self._both_sides = Struct(f"{2 * self._full}d").pack_into
        self._slots: dict[str, int] = {}
        self.beat()

    @property
    def books(self) -> int:
        """Number of keys that have a slot."""
        return len(self._slots)

    @property
    def newest_ns(self) -> int:
        """When the newest record was written, by the monotonic clock; 0 before the first one."""
        return int(self._words[NEWEST_AT // WORD])

    def beat(self) -> None:
        """Write the heartbeat: to be called several times a second."""
        self._words[HEARTBEAT_AT // WORD] = monotonic_ns()

    def write_book(
        self, key: str, event_time: int, recv_us: int, update_id: int, bids: FlatLevels, asks: FlatLevels
    ) -> None:
        """Write the newest book of a key. Levels beyond those of the layout are cut off."""
        slot = self._slots.get(key) or self._new_slot(key)
        if not slot:
            return
        layout, memory, words, full = self.layout, self._memory, self._words, self._full
        if len(bids) > full or len(asks) > full:
            bids, asks = bids[:full], asks[:full]
        count = words[slot // WORD] + 1
        at = slot + HEAD_BYTES + (count - 1) % layout.books * layout.book_bytes
        words[at // WORD] = 2 * count - 1
        fence()
        now, bid_count, ask_count = monotonic_ns(), len(bids) // 2, len(asks) // 2
        BOOK.pack_into(memory, at + WORD, event_time, recv_us, update_id, now, bid_count, ask_count)
        if bid_count == ask_count == layout.levels:
            self._both_sides(memory, at + ENTRY_HEAD_BYTES, *bids, *asks)
        else:
            self._levels[bid_count](memory, at + ENTRY_HEAD_BYTES, *bids)
            self._levels[ask_count](memory, at + layout.asks_at, *asks)
        self._publish(slot + BOOKS_AT, at, count, now)

    def write_trade(self, key: str, trade: Trade) -> None:
        """Write the newest trade of a key."""
        slot = self._slots.get(key) or self._new_slot(key)
        if not slot:
            return
        layout, words = self.layout, self._words
        count = words[(slot + TRADES_AT) // WORD] + 1
        at = slot + layout.trades_at + (count - 1) % layout.trades * TRADE_BYTES
        words[at // WORD] = 2 * count - 1
        fence()
        now, side = monotonic_ns(), 1 if trade.side == "buy" else -1
        TRADE.pack_into(self._memory, at + WORD, trade.event_time, trade.recv_us, now, trade.price, trade.size, side)
        self._publish(slot + TRADES_AT, at, count, now)

    def write_tick(self, key: str, tick: BookTick) -> None:
        """Write the newest book tick of a key."""
        slot = self._slots.get(key) or self._new_slot(key)
        if not slot:
            return
        layout, words = self.layout, self._words
        count = words[(slot + TICKS_AT) // WORD] + 1
        at = slot + layout.ticks_at + (count - 1) % layout.ticks * TICK_BYTES
        words[at // WORD] = 2 * count - 1
        fence()
        now = monotonic_ns()
        numbers = (math.nan if value is None else value for value in (getattr(tick, each) for each in TICK_NUMBERS))
        integers = (getattr(tick, each) for each in TICK_INTEGERS)
        TICK.pack_into(self._memory, at + WORD, now, *integers, *numbers)
        self._publish(slot + TICKS_AT, at, count, now)

    def write_state(self, key: str, state: BookState, since: int) -> None:
        """Write the state of a key and its begin in epoch ms. A state that is there already keeps its begin."""
        slot = self._slots.get(key) or self._new_slot(key)
        if not slot or STATE.unpack_from(self._memory, slot + STATE_AT)[0] == STATE_NUMBERS[state]:
            return
        words, lock = self._words, (slot + STATE_LOCK_AT) // WORD
        words[lock] += 1
        fence()
        STATE.pack_into(self._memory, slot + STATE_AT, STATE_NUMBERS[state], since)
        fence()
        words[lock] += 1

    def close(self) -> None:
        """End the heartbeat and remove the segment. Readers keep their mapping."""
        self._words[HEARTBEAT_AT // WORD] = 0
        self._words.release()
        self._memory.close()
        self.path.unlink(missing_ok=True)
        os.close(self._file)

    def _publish(self, counter: int, at: int, count: int, now: int) -> None:
        words = self._words
        fence()
        words[at // WORD] = 2 * count
        fence()
        words[counter // WORD] = count
        words[NEWEST_AT // WORD] = now

    def _new_slot(self, key: str) -> int:
        """Offset of the slot of a key that has none; 0 if it gets none."""
        index, name = len(self._slots), key.encode()
        if index == self.layout.slots or len(name) >= KEY_BYTES:
            self.refused.add(key)
            return 0
        at = HEADER_BYTES + index * KEY_BYTES
        self._memory[at : at + len(name)] = name
        fence()
        self._words[KEYS_AT // WORD] = index + 1
        self._slots[key] = slot = self.layout.slots_at + index * self.layout.slot_bytes
        return slot
