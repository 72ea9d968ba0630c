"""The wall clock. Pauses and patience are measured by `time.monotonic` instead."""

from time import time_ns


def now_us() -> int:
    """Epoch µs."""
    return time_ns() // 1000


def now_ms() -> int:
    """Epoch ms."""
    return time_ns() // 1_000_000
