"""Proof that the followed connection is late: it has not delivered what another connection delivered long ago."""

from msgspec import Struct

LATE_US = 2_000_000  # a followed connection that delivers a message this much later than another one is late


class LagProbe(Struct, array_like=True):
    """One message of another connection, until the followed connection has delivered it too.

    `at_us`: receive time of the message, 0 if there is none; `time`: the venue's time of it. `last_us`: receive time of
    the other connection's newest message. Receive times of one connection only are compared, since hosts' clocks
    differ: the lateness is at least `last_us - at_us`.
    """

    at_us: int = 0
    time: int = 0
    last_us: int = 0

    def arrived_in_time(self, recv_us: int, time: int, followed_time: int) -> bool:
        """Process a message of another connection that is ahead of the followed one, whose newest is `followed_time`.

        True if the followed connection has delivered the message of the probe since, and in time. Times of the venue
        are in any one unit.
        """
        delivered = bool(self.at_us) and followed_time >= self.time
        in_time = delivered and self.last_us - self.at_us <= LATE_US
        if delivered or not self.at_us:
            self.at_us, self.time = recv_us, time
        self.last_us = recv_us
        return in_time
