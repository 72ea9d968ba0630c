"""Updates with old ids and later times that follow one another: three of them prove that the ids began anew."""

from msgspec import Struct

PROOF = 3  # a copy from another connection, or of a stream with one update a second, is followed by an applied update


class OldRun(Struct, array_like=True):
    """Newest run of updates that are old by their ids and later than the book by their times.

    `since_us`: receive time of the update that the book applied last; the run is over when it applies another one.
    `last_id`: id of the newest update of the run. `count`: number of updates, copies not counted.
    """

    since_us: int = 0
    last_id: int = -1
    count: int = 0

    def add(self, previous_id: int, update_id: int, applied_us: int) -> int:
        """Add an update that continues the one with `previous_id`; return the length of the run."""
        if not self.is_open(applied_us):
            self.since_us, self.last_id, self.count = applied_us, update_id, 1
        elif update_id != self.last_id:
            self.count = self.count + 1 if previous_id == self.last_id else 1
            self.last_id = update_id
        return self.count

    def is_open(self, applied_us: int) -> bool:
        """True if no update was applied since the run began. `applied_us`: receive time of the newest one."""
        return self.count > 0 and self.since_us == applied_us
