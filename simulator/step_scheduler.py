"""Times of the market's steps: one mean rate for all symbols, spread at random, while the market runs."""

import asyncio
from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from random import Random


class StepScheduler:
    """Calls `step` with a symbol and the time (epoch s). A late symbol steps once; its next time counts from now."""

    def __init__(
        self,
        symbols: Sequence[str],
        rate: float,
        clock: Callable[[], float],
        step: Callable[[str, float], None],
        seed: int,
    ) -> None:
        self._interval = 1 / rate
        self._clock = clock
        self._step = step
        self._random = Random(seed)
        self._running = asyncio.Event()
        self._running.set()
        self._due = [(clock() + self._interval * self._random.random(), symbol) for symbol in symbols]
        heapify(self._due)

    def run_market(self, running: bool) -> None:
        """Start or halt the market."""
        if running:
            self._running.set()
        else:
            self._running.clear()

    async def run(self) -> None:
        """Step until cancelled."""
        while True:
            await self._running.wait()
            now = self._clock()
            while self._due[0][0] <= now:
                due, symbol = self._due[0]
                self._step(symbol, now)
                later = due + self._interval * (0.5 + self._random.random())
                heapreplace(self._due, (later if later > now else now + self._interval, symbol))
            await asyncio.sleep(max(0.0, self._due[0][0] - self._clock()))
