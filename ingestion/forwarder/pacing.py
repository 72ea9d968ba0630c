"""When something may be done again: budgets and back-off. No clock in here: the time comes in."""

from collections.abc import Generator
from random import Random


class Bucket:
    """A budget of `rate` units a second, of which `burst` may be spent at once.

    In any window of T seconds at most `burst + rate * T` units are granted, whatever the order of the calls.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = burst
        self._at = now
        self._closed_until = now

    def take(self, amount: float, now: float) -> float:
        """Spend `amount` and return 0, or spend nothing and return the seconds until it can be had.

        An amount above `burst` is granted from a full bucket, which then owes the rest.
        """
        self._level = min(self.burst, self._level + self.rate * max(0.0, now - self._at))
        self._at = now
        if now < self._closed_until:
            return self._closed_until - now
        need = min(amount, self.burst)
        if self._level < need - 1e-9:
            return (need - self._level) / self.rate
        self._level -= amount
        return 0.0

    def close(self, until: float) -> None:
        """Grant nothing before `until`: the venue said so."""
        self._closed_until = max(self._closed_until, until)


def delays(first: float, most: float, random: Random) -> Generator[float, None, None]:
    """Endless pauses in seconds: doubling from `first` up to `most`, each drawn from its upper half."""
    pause = first
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(2 * pause, most)
