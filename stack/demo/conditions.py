"""Plants conditions that raise alerts: the calm simulated markets alone raise one only every few hours."""

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from stack.demo.exchanges import Exchanges

EVERY_S = 4.0


class Conditions:
    """Plants a condition every EVERY_S, in each book in turn. `clock`: seconds of any monotonic clock."""

    def __init__(self, exchanges: Exchanges, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchanges, self._clock = exchanges, clock
        self._turns = count()
        self._next = clock()

    def plant_if_due(self) -> None:
        """Plant the next condition if it is time. A simulator that does not answer, or refuses it, is passed over."""
        now = self._clock()
        if now >= self._next:
            self._next = now + EVERY_S
            with suppress(OSError):
                self._exchanges.plant(next(self._turns))
