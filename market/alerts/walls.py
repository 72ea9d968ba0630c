"""Walls of a book's side: depth that at least doubles from one tick to the next, and soon at least halves again.

A tick may begin without the wall and end with it. Its most depth is then that of the wall, so the depth before the wall
is remembered for the tick after it.
"""

from msgspec import Struct

LIFETIME_MS = 2_000
FAR = 5  # spreads


class Wall(Struct, array_like=True, gc=False):
    """A wall that stands: since when, the side's depth before it, and the least depth of its first tick."""

    since: int
    before: float
    depth: float


class Best(Struct, array_like=True, gc=False):
    """Best level of a side after a tick, with the book's spread. `price` is negative for asks: less is further away."""

    price: float
    size: float
    spread: float


class WallSide(Struct, array_like=True):
    """Walls of one side, oldest first, and the least depth of the side's last tick (0: unknown).

    `usual`: the most depth of that tick, or if it at least doubled within the tick, the depth before that. `best`: the
    best level after the tick.
    """

    low: float = 0.0
    usual: float = 0.0
    walls: list[Wall] = []
    best: Best | None = None

    def removed(self, time: int, low: float, high: float, best: Best | None) -> float:
        """Depth with the wall over depth without it, of the largest wall that this tick removed at once; 0 without one.

        `low`, `high`: least and most depth of the tick; `best`: the best level after it. A wall that shrinks in steps,
        or that stood for more than two seconds, is forgotten. The depth without it may have doubled in the meantime.
        """
        if self._sums_other_levels(best):
            self.forget()
        doubled, halved = self.usual > 0 and low >= 2 * self.usual, 2 * low <= self.low
        times, standing = 0.0, []
        for wall in self.walls:
            if time - wall.since > LIFETIME_MS:
                continue
            if halved and self.low >= 2 * wall.before:
                times = max(times, min(wall.depth, self.low) / max(wall.before, low))
            if low >= 2 * wall.before:
                standing.append(wall)
        if times and self._was_taken(self.low - low, best):
            times = 0.0
        if doubled:
            standing.append(Wall(time, self.usual, low))
        rises = self.usual > 0 and high >= 2 * max(self.usual, low)
        self.usual = max(self.usual, low) if rises else high
        self.low, self.walls, self.best = low, standing, best
        return times

    def forget(self) -> None:
        """Forget everything: depths before and after this moment cannot be compared."""
        self.low = self.usual = 0.0
        self.walls, self.best = [], None

    def _sums_other_levels(self, best: Best | None) -> bool:
        """True if the best price moved so far that trades took several levels, or that others came into view."""
        before = self.best
        return before is not None and best is not None and abs(best.price - before.price) > FAR * before.spread

    def _was_taken(self, size: float, best: Best | None) -> bool:
        """True if depth of this size was at the best price and that price is gone: trades take the best level first."""
        before = self.best
        return before is not None and best is not None and best.price < before.price and before.size >= 0.9 * size
