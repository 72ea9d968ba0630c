"""Trade deduplication: each trade of a stream is published once, even if connections or replays repeat it.

A seen id on a trade that is later than the newest trade begins a new epoch of ids, because a repeated trade has the
time of its first copy. An id far below the newest one needs no margin of time: no trade that many ids earlier is later.
Repeated trades of the previous epoch have earlier times and are still recognised.
"""

from msgspec import Struct

from market.orderbook.sync_state import RESET_AFTER_MS

LOOK_BACK = 1_000  # ids below a stream's first id that may still arrive, out of order, from another connection
MAX_GAPS = 32  # runs of unseen ids that are remembered; beyond this number the oldest count as seen


class SeenIds(Struct, array_like=True):
    """Ids seen in one stream: all up to `newest` except `gaps`, ascending runs [first, last] of unseen ids.

    `newest_ms`: time of the newest trade, epoch ms; 0 if unknown. `before`: newest id of the
    previous epoch. `began_ms`: time of the first trade of this epoch.
    """

    newest: int
    gaps: list[tuple[int, int]]
    newest_ms: int = 0
    before: int = -1
    began_ms: int = 0

    def add_if_new(self, number: int, at_ms: int) -> bool:
        """Mark an id as seen; True if it was new."""
        if number > self.newest:
            if number <= self.before and at_ms < self.began_ms:
                return False
            self.newest_ms = at_ms
            if number > self.newest + 1:
                self.gaps.append((self.newest + 1, number - 1))
                del self.gaps[:-MAX_GAPS]
            self.newest = number
            return True
        return self._fill_gap(number)

    def _fill_gap(self, number: int) -> bool:
        for index, (first, last) in enumerate(self.gaps):
            if first <= number <= last:
                rest = [(first, number - 1), (number + 1, last)]
                self.gaps[index : index + 1] = [run for run in rest if run[0] <= run[1]]
                del self.gaps[:-MAX_GAPS]
                return True
        return False


class TradeDeduplicator(Struct, array_like=True):
    """Ids seen in every trade stream of one key; ids of different streams (`aggTrade`, `trade`) do not compare."""

    streams: dict[str, SeenIds] = {}

    def add_if_new(self, stream: str, number: int, at_ms: int) -> bool:
        """Mark a trade as seen; True if its id was new. `at_ms`: time of the trade."""
        seen = self.streams.get(stream)
        if seen is None:
            self.streams[stream] = _first_seen(number, at_ms)
            return True
        return seen.add_if_new(number, at_ms)

    def begins_epoch(self, stream: str, number: int, at_ms: int) -> bool:
        """True for a trade that was not new by its id and is the first of a new epoch; marks it as seen."""
        seen = self.streams[stream]
        if not seen.newest_ms:  # restored from a state without times
            seen.newest_ms = at_ms
        is_far_below = number < seen.newest - LOOK_BACK
        if number > seen.newest or at_ms <= seen.newest_ms + (0 if is_far_below else RESET_AFTER_MS):
            return False
        self.streams[stream] = began = _first_seen(number, at_ms)
        began.before, began.began_ms = seen.newest, at_ms
        return True


def _first_seen(number: int, at_ms: int) -> SeenIds:
    below = (max(number - LOOK_BACK, 0), number - 1)
    return SeenIds(number, [below] if number else [], at_ms)
