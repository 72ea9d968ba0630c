"""One side of the model's book. Both sides use this code; the sign is an argument."""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

# One level before and after a step: price in ticks, then sizes in lots, 0 for no level. A plain tuple: forty are made
# per frame.
Change = tuple[int, int, int]

DELETIONS = 20  # number of removals among 64 refreshes of existing levels


class ModelSide:
    """Price ticks and sizes in lots. Bids have sign 1, asks -1.

    `ranks` contains sign x tick, ascending, so the best level, which changes most, is at the end.
    """

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.ranks: list[int] = []
        self.lots: dict[int, int] = {}
        self._before: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.ranks)

    def best(self) -> int:
        """Best tick. IndexError on an empty side."""
        return self.sign * self.ranks[-1]

    def put(self, tick: int, lots: int) -> None:
        """Set a level; 0 lots removes it."""
        before = self.lots.get(tick, 0)
        self._before.setdefault(tick, before)
        if lots:
            self.lots[tick] = lots
            if not before:
                insort(self.ranks, self.sign * tick)
        elif before:
            del self.lots[tick]
            del self.ranks[bisect_left(self.ranks, self.sign * tick)]

    def refresh(
        self, count: int, full: int, bits: Callable[[int], int], offsets: Sequence[int], sizes: Sequence[int]
    ) -> None:
        """Change random levels until `count` levels are changed since the last call of `changes`.

        A level is `offsets` ticks from the best and gets one of `sizes`, or is removed. While there are more than
        `full` levels, the worst is removed instead. `bits` draws n random bits; the tables have 4096 and 1024 entries.
        """
        sign, ranks, lots, changed = self.sign, self.ranks, self.lots, self._before
        while len(changed) < count:
            draw = bits(30)
            if len(ranks) > full:
                self.put(sign * ranks[0], 0)
                continue
            rank = ranks[-1] - offsets[draw & 4095]
            tick = sign * rank
            if tick not in lots:
                changed.setdefault(tick, 0)
                lots[tick] = sizes[draw >> 12 & 1023]
                insort(ranks, rank)
            elif draw >> 24 < DELETIONS and len(ranks) > full // 2:
                self.put(tick, 0)
            else:
                changed.setdefault(tick, lots[tick])
                lots[tick] = sizes[draw >> 12 & 1023]

    def changes(self) -> list[Change]:
        """Levels that differ from their state at the last call, in the order of first change."""
        before, self._before = self._before, {}
        lots = self.lots
        return [(tick, old, new) for tick, old in before.items() if (new := lots.get(tick, 0)) != old]

    def top(self, count: int) -> list[tuple[int, int]]:
        """The best `count` levels as (tick, lots), best first."""
        return [(self.sign * rank, self.lots[self.sign * rank]) for rank in self.ranks[: -count - 1 : -1]]
