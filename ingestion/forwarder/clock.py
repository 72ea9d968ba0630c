"""Wall-clock time. Delays and timeouts use `time.monotonic` instead."""

from time import time_ns


def now_us() -> int:
    """Current time in epoch µs."""
    return time_ns() // 1000
