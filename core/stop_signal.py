"""SIGTERM and SIGINT as a condition, for commands that finish what they have begun."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

EXIT_INTERRUPTED = 130  # of a command that Ctrl-C ended, as shells report it


class StopSignal:
    """True once a signal has arrived. `interrupted`: it was Ctrl-C."""

    def __init__(self) -> None:
        self._event = Event()
        self.interrupted = False

    def __bool__(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Pause until a signal arrives, at most for these seconds. Returns True if one has arrived."""
        return self._event.wait(seconds)

    def note(self, number: int, _: object) -> None:
        """The handler of the signals."""
        self.interrupted = self.interrupted or number == signal.SIGINT
        self._event.set()


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Collect SIGTERM and SIGINT until the block ends, then restore their earlier handlers."""
    stop = StopSignal()
    earlier = {number: signal.signal(number, stop.note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
