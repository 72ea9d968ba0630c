"""One side of an order book. Bids and asks share the code; only the sign of the key differs.

Prices and sizes are doubles (`core/records.py`). A side is two parallel lists, ascending by `sign * price`, so that the
best price is at the end: most changes happen near the best price, an insertion there moves next to nothing at 50 levels
and at 5,000, and the best levels are a slice. The lists measured faster than a dict of sizes beside a list of prices:
hashing a double costs as much as a binary search for it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from math import inf
from typing import Any, Literal

from msgspec import Struct

Level = tuple[float, float]  # price, size
LevelAction = Literal["new", "change", "delete"]
LevelChange = tuple[LevelAction, float, float]  # action, price, size
# Measured with tracemalloc on sides of 200 to 5,000 levels: two doubles and their places; a text and its place.
LEVEL_MEMORY_BYTES = 70
TEXT_MEMORY_BYTES = 70


def to_levels(actions: Iterable[LevelChange]) -> Iterator[Level]:
    """Convert level actions to prices and sizes. A deleted level has size 0, whatever size its action carries."""
    return ((price, 0.0 if action == "delete" else size) for action, price, size in actions)


class BookSide:
    """Bids (`sign` 1.0) or asks (`sign` -1.0). `keys` and `sizes` end in a sentinel that sorts behind every price.

    `is_full`: the next `take_changes` returns the whole side, since at least as many levels were set as the side has.
    `known_to`: key of the last price that a truncated snapshot covered, -inf where the whole side is known, and
    `covered`: the number of its levels. What rests beyond that price is unknown until it changes.
    `summary`: the caller's own, computed from the levels; None after every change.
    For venues whose checksum covers the number texts, all levels are set by `apply_texts`, from an empty side on: the
    side then has a third list with the text of each level.
    """

    __slots__ = (
        "_changed",
        "_changes",
        "_checksum_text",
        "_texts",
        "covered",
        "is_full",
        "keys",
        "known_to",
        "sign",
        "sizes",
        "summary",
    )

    def __init__(self, sign: float) -> None:
        self.sign = sign
        self.keys: list[float] = [inf]
        self.sizes: list[float] = [0.0]
        self._changes: list[Iterable[Level]] = []
        self._changed = 0
        self.is_full = True
        self.known_to = -inf
        self.covered = 0
        self._texts = [b""]
        self._checksum_text: bytes | None = None
        self.summary: Any = None

    def __len__(self) -> int:
        return len(self.keys) - 1

    @property
    def memory_bytes(self) -> int:
        """Estimated size in memory."""
        return len(self.keys) * LEVEL_MEMORY_BYTES + len(self._texts) * TEXT_MEMORY_BYTES

    def apply(self, levels: Sequence[Level]) -> None:
        """Set absolute sizes in order. Size 0 removes a level, present or not. `levels` must not change later."""
        self.summary = None
        sizes, keys, sign = self.sizes, self.keys, self.sign
        for price, size in levels:
            key = sign * price
            at = bisect_left(keys, key)
            if keys[at] == key:
                if size:
                    sizes[at] = size
                else:
                    del keys[at], sizes[at]
            elif size:
                keys.insert(at, key)
                sizes.insert(at, size)
        if not self.is_full:
            self._record_changes(levels, len(levels))

    def apply_texts(self, levels: Sequence[Level], texts: Iterable[bytes]) -> None:
        """Set sizes as `apply` does, and the checksum text of each level. A loop of its own, as in `apply_actions`."""
        self.summary = self._checksum_text = None
        sizes, keys, sign, stored = self.sizes, self.keys, self.sign, self._texts
        for (price, size), text in zip(levels, texts, strict=True):
            key = sign * price
            at = bisect_left(keys, key)
            if keys[at] == key:
                if size:
                    sizes[at] = size
                    stored[at] = text
                else:
                    del keys[at], sizes[at], stored[at]
            elif size:
                keys.insert(at, key)
                sizes.insert(at, size)
                stored.insert(at, text)
        if not self.is_full:
            self._record_changes(levels, len(levels))

    def apply_actions(self, actions: Sequence[LevelChange]) -> int:
        """Apply level actions in order. `actions` must not change later.

        Returns the number of surprises: `new` for a level that exists, any other action for a level that does not.
        This loop is separate from `apply`: converting actions to levels first would cost a third of applying them.
        """
        self.summary = None
        sizes, keys, sign = self.sizes, self.keys, self.sign
        surprises = 0
        for action, price, size in actions:
            key = sign * price
            at = bisect_left(keys, key)
            if keys[at] == key:
                if action == "new":
                    surprises += 1
                if action == "delete" or not size:
                    del keys[at], sizes[at]
                else:
                    sizes[at] = size
            else:
                if action != "new":
                    surprises += 1
                if action != "delete" and size:
                    keys.insert(at, key)
                    sizes.insert(at, size)
        if not self.is_full:
            self._record_changes(to_levels(actions), len(actions))
        return surprises

    def _record_changes(self, levels: Iterable[Level], count: int) -> None:
        self._changes.append(levels)
        self._changed += count
        self.is_full = self._changed >= len(self.keys)

    def replace(self, levels: Iterable[Level]) -> None:
        """Replace all levels with these, given in any order. The last size of a repeated price counts."""
        sign = self.sign
        ordered = sorted((sign * price, size) for price, size in dict(levels).items() if size)
        self._set([key for key, _ in ordered], [size for _, size in ordered], ())

    def restore(self, prices: Sequence[float], sizes: Sequence[float], texts: Sequence[bytes]) -> None:
        """Replace all levels with a whole side, best first, as `take_changes` and `checksum_texts_of` returned it."""
        sign = self.sign
        self._set([sign * price for price in prices[::-1]], sizes[::-1], texts[::-1])

    def _set(self, keys: Sequence[float], sizes: Sequence[float], texts: Sequence[bytes]) -> None:
        """Replace all levels with these, ascending by key; the whole side is known."""
        self.keys = [*keys, inf]
        self.sizes = [*sizes, 0.0]
        self._texts = [*texts, b""]
        self._checksum_text = self.summary = None
        self.is_full = True
        self.known_to, self.covered = -inf, 0

    def replace_truncated(self, levels: Sequence[Level], keep_beyond: bool = False) -> None:
        """Replace the levels that a truncated snapshot covers; levels beyond its last price are removed or kept."""
        sign = self.sign
        known_to = min((sign * price for price, _ in levels), default=-inf)
        held = zip(self.keys, self.sizes, strict=True) if keep_beyond else ()
        beyond = [(sign * key, size) for key, size in held if key < known_to]
        self.replace([*levels, *beyond])
        self.known_to, self.covered = known_to, len(levels)

    def covers(self, levels: Sequence[Level]) -> bool:
        """True if the side has more levels than these, and all of these lie in the range that it knows."""
        return len(levels) < len(self) and all(self.sign * price >= self.known_to for price, _ in levels)

    def truncate(self, depth: int) -> None:
        """Remove all levels beyond the best `depth`."""
        excess = len(self) - depth
        if excess > 0:
            self.summary = None
            if not self.is_full:
                self._record_changes([(self.sign * key, 0.0) for key in self.keys[:excess]], excess)
            del self.keys[:excess], self.sizes[:excess]
            if self.has_texts:
                del self._texts[:excess]
                self._checksum_text = None

    def best(self) -> float | None:
        """Return the best price, None for an empty side."""
        return self.sign * self.keys[-2] if len(self.keys) > 1 else None

    def top(self, depth: int) -> "Top":
        """Return the best `depth` levels."""
        best_first = slice(-2, -depth - 2, -1)
        return Top(self.sign, self.keys[best_first], self.sizes[best_first])

    @property
    def has_texts(self) -> bool:
        """True for a side whose levels have checksum texts."""
        return len(self._texts) > 1

    def checksum_text(self, depth: int) -> bytes:
        """Return the checksum texts of the best `depth` levels, best first. All calls must use the same depth."""
        if self._checksum_text is None:
            self._checksum_text = b"".join(self._texts[-2 : -depth - 2 : -1])
        return self._checksum_text

    def checksum_texts_of(self, prices: Sequence[float], sizes: Sequence[float]) -> list[bytes]:
        """Return the checksum texts of the levels with a size; empty for a side without texts."""
        if not self.has_texts:
            return []
        keys, sign, stored = self.keys, self.sign, self._texts
        return [stored[bisect_left(keys, sign * price)] for price, size in zip(prices, sizes, strict=True) if size]

    @property
    def dirty(self) -> bool:
        """True if the side changed since the last `take_changes`."""
        return self.is_full or bool(self._changes)

    def forget_changes(self) -> None:
        """Do what `take_changes` does, without its result."""
        self._changes, self._changed, self.is_full = [], 0, False

    def take_changes(self) -> tuple[Sequence[float], Sequence[float]]:
        """Return the net change since the last call: prices and their newest sizes, 0 for a removed price."""
        changes, is_full = self._changes, self.is_full
        self.forget_changes()
        if is_full:
            return [self.sign * key for key in self.keys[-2::-1]], self.sizes[-2::-1]
        net = dict(chain.from_iterable(changes))
        return tuple(net), tuple(net.values())


class Top(Struct, gc=False):
    """Best levels of a side at one moment, best first. Prices are computed on demand."""

    sign: float
    keys: list[float]
    sizes: list[float]

    def prices(self) -> list[float]:
        """Return the prices, best first."""
        return [self.sign * key for key in self.keys]

    def levels(self) -> list[Level]:
        """Return prices and sizes, best first."""
        return list(zip(self.prices(), self.sizes, strict=True))
