"""One side of an L2 book. Bids and asks go through the same code; only the sign of the key differs.

Prices and sizes are doubles: one lexeme is one double (`records.py`). A side is two parallel lists, ascending by
`sign * price`, so that the best price is at the end: changes happen near the touch, inserting there moves next to
nothing at 50 levels and at 5,000, and the best levels are a slice. Measured against a dict of sizes beside a list of
prices, the lists are faster: hashing a double costs as much as finding it.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from math import inf
from typing import Literal

from msgspec import Struct

Level = tuple[float, float]  # price, size
Deed = Literal["new", "change", "delete"]
Action = tuple[Deed, float, float]  # what is done, price, size
SPARE_TEXTS = 64  # a few may stay behind before they are pruned


def absolute(actions: Iterable[Action]) -> Iterator[Level]:
    """Prices and sizes; a deleted level has size 0 whatever its action says."""
    return ((price, 0.0 if action == "delete" else size) for action, price, size in actions)


class Side:
    """Bids (`sign` 1.0) or asks (`sign` -1.0). Both lists end in a sentinel that sorts behind every price.

    `whole`: the change to be taken next is the whole side, because more levels were set than it has. `texts` holds, for
    venues whose checksum is over the number texts, each level's digits by key; those of prices that left stay until
    overwritten or pruned.
    """

    __slots__ = (
        "_best_first",
        "_changed",
        "_changes",
        "_digits",
        "_reach",
        "_sign",
        "_sizes",
        "_top",
        "keys",
        "texts",
        "whole",
    )

    def __init__(self, sign: float) -> None:
        self._sign = sign
        self.keys: list[float] = [inf]
        self._sizes: list[float] = [0.0]
        self._changes: list[Iterable[Level]] = []
        self._changed = 0
        self.whole = True
        self.texts: dict[float, bytes] = {}
        self._digits: bytes | None = None
        self._top: Top | None = None
        self._reach = 0
        self._best_first = slice(0)

    def __len__(self) -> int:
        return len(self.keys) - 1

    def apply(self, levels: Sequence[Level]) -> None:
        """Set absolute sizes in order; size 0 removes, and removing what is absent is normal. `levels` is kept."""
        self._top = None
        sizes, keys, sign = self._sizes, self.keys, self._sign
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
        if not self.whole:
            self._note(levels, len(levels))

    def act(self, actions: Sequence[Action]) -> int:
        """Do as a venue says that names its actions, in order. `actions` is kept.

        Returns how many surprised: a `new` level that was there, another that was not. A loop of its own, because to
        make levels of actions first costs a third of what applying them does.
        """
        self._top = None
        sizes, keys, sign = self._sizes, self.keys, self._sign
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
        if not self.whole:
            self._note(absolute(actions), len(actions))
        return surprises

    def _note(self, levels: Iterable[Level], count: int) -> None:
        self._changes.append(levels)
        self._changed += count
        self.whole = self._changed >= len(self.keys)

    def replace(self, levels: Iterable[Level]) -> None:
        """Forget everything and hold just these levels, in any order; of a price that comes twice, the last."""
        sign = self._sign
        held = sorted((sign * price, size) for price, size in dict(levels).items() if size)
        self.keys = [*(key for key, _ in held), inf]
        self._sizes = [*(size for _, size in held), 0.0]
        self.texts = {}
        self._digits = self._top = None
        self.whole = True

    def truncate(self, depth: int) -> None:
        """Drop what lies beyond the best `depth` levels."""
        excess = len(self) - depth
        if excess > 0:
            self._top = None
            if not self.whole:
                self._note([(self._sign * key, 0.0) for key in self.keys[:excess]], excess)
            del self.keys[:excess], self._sizes[:excess]

    def best(self) -> float | None:
        """The best price, None when the side is empty."""
        return self._sign * self.keys[-2] if len(self.keys) > 1 else None

    def top(self, depth: int) -> "Top":
        """The best `depth` levels as they are now; the same object for as long as nothing changes."""
        if self._reach != depth:
            self._reach, self._best_first, self._top = depth, slice(-2, -depth - 2, -1), None
        if self._top is None:
            self._top = Top(self._sign, self.keys[self._best_first], self._sizes[self._best_first])
        return self._top

    def spell(self, levels: Sequence[Level], texts: Iterable[bytes]) -> None:
        """Note the digits of levels, in their order."""
        sign, kept = self._sign, self.texts
        for (price, _), text in zip(levels, texts, strict=True):
            kept[sign * price] = text
        self._digits = None
        if len(kept) > 2 * len(self.keys) + SPARE_TEXTS:
            self.texts = {key: kept[key] for key in self.keys[:-1]}

    def digits(self, depth: int) -> bytes:
        """The noted digits of the best `depth` levels, best first, joined; always asked for with the same depth."""
        if self._digits is None:
            self._digits = b"".join(map(self.texts.__getitem__, self.keys[-2 : -depth - 2 : -1]))
        return self._digits

    def digits_of(self, prices: Sequence[float], sizes: Sequence[float]) -> list[bytes]:
        """The noted digits of the levels that have a size; empty where none are noted."""
        sign, kept = self._sign, self.texts
        return [kept[sign * price] for price, size in zip(prices, sizes, strict=True) if size] if kept else []

    @property
    def touched(self) -> bool:
        """Whether anything changed since the changes were last taken."""
        return self.whole or bool(self._changes)

    def take_changes(self) -> tuple[Sequence[float], Sequence[float]]:
        """The net change since it was last taken: prices and their last sizes, 0 for a price that left."""
        changes, self._changes, self._changed = self._changes, [], 0
        if self.whole:
            self.whole = False
            return [self._sign * key for key in self.keys[-2::-1]], self._sizes[-2::-1]
        net = dict(chain.from_iterable(changes))
        return tuple(net), tuple(net.values())


class Top(Struct, gc=False):
    """The best levels of a side at one moment, best first. Prices are made only when asked for."""

    sign: float
    keys: list[float]
    sizes: list[float]

    def prices(self) -> list[float]:
        """Prices, best first."""
        return [self.sign * key for key in self.keys]

    def levels(self) -> list[Level]:
        """Prices and sizes, best first."""
        return list(zip(self.prices(), self.sizes, strict=True))
