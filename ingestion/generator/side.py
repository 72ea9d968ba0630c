"""One side of the model's book. Both sides run through this code; the sign is the argument."""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

# One level before and after a step: price in ticks, then sizes in lots, 0 where there is no level. A plain tuple: forty
# are made per frame.
Change = tuple[int, int, int]

DELETIONS = 20  # of 64 refreshes of an existing level, how many remove it


class Side:
    """Price ticks and sizes in lots, best price known at once. Bids have sign 1, asks -1.

    `ranks` holds sign x tick, ascending, so that the best is at the end, where most of the traffic is.
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
        """Touch random levels until `count` are touched since `changes` was last called.

        A level lies `offsets` ticks from the best and gets one of `sizes`, or disappears; while there are more than
        `full` levels, the worst goes instead. `bits` draws n random bits; the tables have 4096 and 1024 entries.
        """
        sign, ranks, lots, touched = self.sign, self.ranks, self.lots, self._before
        while len(touched) < count:
            draw = bits(30)
            if len(ranks) > full:
                self.put(sign * ranks[0], 0)
                continue
            rank = ranks[-1] - offsets[draw & 4095]
            tick = sign * rank
            if tick not in lots:
                touched.setdefault(tick, 0)
                lots[tick] = sizes[draw >> 12 & 1023]
                insort(ranks, rank)
            elif draw >> 24 < DELETIONS and len(ranks) > full // 2:
                self.put(tick, 0)
            else:
                touched.setdefault(tick, lots[tick])
                lots[tick] = sizes[draw >> 12 & 1023]

    def changes(self) -> list[Change]:
        """Levels that differ from what they were at the last call, in the order of first touch."""
        before, self._before = self._before, {}
        lots = self.lots
        return [(tick, old, new) for tick, old in before.items() if (new := lots.get(tick, 0)) != old]

    def top(self, count: int) -> list[tuple[int, int]]:
        """The best `count` levels as (tick, lots), best first."""
        return [(self.sign * rank, self.lots[self.sign * rank]) for rank in self.ranks[: -count - 1 : -1]]
