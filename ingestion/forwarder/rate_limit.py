"""Rate limits and back-off. Nothing here reads a clock: the time is an argument."""

from collections.abc import Generator
from random import Random

from venues.protocol import Limits


class TokenBucket:
    """A budget of `rate` units a second, of which `burst` may be spent at once.

    In any window of T seconds at most `burst + rate * T` units are granted, in whatever order `take` is called. Nothing
    is granted before `closed_until`.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now
        self.closed_until = now

    def take(self, amount: float, now: float) -> float:
        """Spend `amount` and return 0, or spend nothing and return the seconds until it is available.

        An amount above `burst` is granted from a full bucket, whose level then becomes negative.
        """
        self._level = min(self.burst, self._level + self.rate * max(0.0, now - self._at))
        self._at = now
        if now < self.closed_until:
            return self.closed_until - now
        need = min(amount, self.burst)
        if self._level < need - 1e-9:
            return (need - self._level) / self.rate
        self._level -= amount
        return 0.0

    def close(self, until: float) -> None:
        """Grant nothing before `until`, for example after the venue has refused a request."""
        self.closed_until = max(self.closed_until, until)


def message_budget(limits: Limits, now: float) -> TokenBucket:
    """Budget of one connection's messages. They are spaced evenly: a venue counts those of any second."""
    return TokenBucket(limits.messages_per_s, 1, now)


def backoff(first_s: float, max_s: float, random: Random) -> Generator[float, None, None]:
    """Endless delays in seconds: doubling from `first_s` up to `max_s`, each drawn from its upper half."""
    delay = first_s
    while True:
        yield delay * random.uniform(0.5, 1.0)
        delay = min(2 * delay, max_s)
