"""Times that the ticks of books and of trades share: when they close, and what an open one takes."""

from market.orderbook.tick_records import TICK_MS

SECOND_MS = 1000
CLOSE_AFTER_MS = 500  # a timer closes the open tick this long after the last record
MAX_LATE = 10_000  # late records of one tick: a bound of its memory


def tick_end(at: int) -> int:
    """End of the tick that contains this time."""
    return at - at % TICK_MS + TICK_MS


def open_span(end: int, until: int) -> tuple[int, int]:
    """Times of the records that the open tick takes without any other step.

    `end`: end of the last published record; `until`: end of the open tick, 0 without one.
    """
    return max(until - TICK_MS, end), until
