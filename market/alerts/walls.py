"""Walls of a book's side: depth that at least doubles from one tick to the next, and soon at least halves again."""

from msgspec import Struct

LIFETIME_MS = 2_000


class Wall(Struct, array_like=True, gc=False):
    """A wall that stands: since when, the side's depth before it, and the least depth of its first tick."""

    since: int
    before: float
    depth: float


class WallSide(Struct, array_like=True):
    """Walls of one side, oldest first, and the least and most depth of the side's last tick (0: unknown)."""

    low: float = 0.0
    high: float = 0.0
    walls: list[Wall] = []

    def removed(self, time: int, low: float, high: float) -> float:
        """Depth with the wall over depth without it, of a wall that this tick removed at once; 0 without one.

        `low`, `high`: least and most depth of the tick. A wall that shrinks in steps, or that stood for more than two
        seconds, is forgotten.
        """
        doubled, halved = self.high > 0 and low >= 2 * self.high, 2 * low <= self.low
        times, standing = 0.0, []
        for wall in self.walls:
            if time - wall.since > LIFETIME_MS:
                continue
            if low >= 2 * wall.before:
                standing.append(wall)
            elif halved and self.low >= 2 * wall.before and not times:
                times = min(wall.depth, self.low) / max(wall.before, low)
        if times:
            standing = []
        if doubled:
            standing.append(Wall(time, self.high, low))
        self.low, self.high, self.walls = low, high, standing
        return times

    def forget(self) -> None:
        """Forget everything: the book was lost, or the side was empty."""
        self.low = self.high = 0.0
        self.walls = []
