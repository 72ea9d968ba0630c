"""Trades pass once: whatever connections, replays and overlaps bring, a trade id of a stream is let through once."""

from msgspec import Struct

REACH = 1_000  # ids below the first one heard that may still come, out of order, from another connection
HOLES = 32  # runs of ids not heard yet that are remembered; beyond these the oldest count as heard


class Seen(Struct, array_like=True):
    """Ids of one stream heard so far: all up to `newest`, but for `holes`, runs [first, last] in ascending order."""

    newest: int
    holes: list[tuple[int, int]]

    def add(self, number: int) -> bool:
        """Whether `number` is new; it is not any more afterwards."""
        if number > self.newest:
            if number > self.newest + 1:
                self.holes.append((self.newest + 1, number - 1))
                del self.holes[:-HOLES]
            self.newest = number
            return True
        return self._fill(number)

    def _fill(self, number: int) -> bool:
        for index, (first, last) in enumerate(self.holes):
            if first <= number <= last:
                rest = [(first, number - 1), (number + 1, last)]
                self.holes[index : index + 1] = [run for run in rest if run[0] <= run[1]]
                del self.holes[:-HOLES]
                return True
        return False


class TradesState(Struct, array_like=True):
    """What was heard of every stream of one key; ids of different streams (`aggTrade`, `trade`) do not compare."""

    streams: dict[str, Seen] = {}

    def add(self, stream: str, number: int) -> bool:
        """Whether this trade is new."""
        seen = self.streams.get(stream)
        if seen is None:
            below = (max(number - REACH, 0), number - 1)
            self.streams[stream] = Seen(number, [below] if number else [])
            return True
        return seen.add(number)
