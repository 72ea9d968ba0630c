"""Time since a book or chain last applied an update, by the receive times of the envelopes that changed nothing."""

from msgspec import Struct

CONNECTIONS = 8  # connections whose waiting time is known; beyond this number the others are forgotten


class AppliedClock(Struct, array_like=True):
    """Receive time and connection of the last update that was applied, or of a snapshot that confirmed the book.

    `waiting_us`: by connection, the receive time since which it has brought nothing that was applied; valid for the
    update of `since_us`. `newest_us`: receive time of the last of these envelopes. Receive times of one connection come
    from one host's clock; those of two connections are compared only where the clocks may agree.
    """

    applied_us: int = 0
    conn: str = ""
    since_us: int = -1
    newest_us: int = 0
    waiting_us: dict[str, int] = {}

    def note_other(self, recv_us: int) -> None:
        """Note that an envelope arrived which does not count, because it has no order relative to the updates."""
        self._begin(recv_us)
        self.newest_us = max(self.newest_us, recv_us)

    def _begin(self, recv_us: int) -> None:
        """Begin to wait, if an update was applied since the last wait."""
        if self.since_us != self.applied_us or self.conn not in self.waiting_us:
            self.since_us = self.applied_us
            self.newest_us = self.applied_us or recv_us  # restored from a state without this clock
            self.waiting_us = {self.conn: self.newest_us}

    def others_arrived(self, after_us: int) -> bool:
        """True if an envelope that was not applied arrived this long after the last applied update, or later."""
        return self.since_us == self.applied_us and self.newest_us >= self.applied_us + after_us

    def waited_us(self, conn: str, recv_us: int, limit_us: int) -> int:
        """Time since the last applied update at the receipt of an envelope that was not applied."""
        self._begin(recv_us)
        waiting = self.waiting_us
        since = waiting.get(conn)
        if since is None:
            agrees = 0 <= recv_us - self.newest_us <= limit_us
            since = min(waiting.values()) if agrees else recv_us
            if len(waiting) > CONNECTIONS:
                self.waiting_us = waiting = {self.conn: self.applied_us or recv_us}
        self.newest_us = recv_us
        waiting[conn] = since = min(since, recv_us)  # later only if the host's clock was set back
        return recv_us - since
