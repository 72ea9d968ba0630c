"""Processor time that a book needs for a frame: to decode and apply it, and to sum the best ten sizes of both sides.

Needs the standard library alone, since it runs in the environments of the peers.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time_ns

PASSES = 5
DEPTH = 10
Apply = Callable[[bytes], None]
TopSum = Callable[[], float]
OpenBook = Callable[[], tuple[Apply, TopSum]]


def report(open_book: OpenBook) -> None:
    """Print µs a frame of the fastest pass, without and with the sums, and the last sum, as one JSON object.

    The argument names a file with a frame a line.
    """
    frames = Path(sys.argv[1]).read_bytes().splitlines()
    apply_us = min(_apply_us(open_book, frames) for _ in range(PASSES))
    both = [_both_us(open_book, frames) for _ in range(PASSES)]
    print(json.dumps({"apply_us": round(apply_us, 2), "with_sums_us": round(min(both)[0], 2), "depth": both[0][1]}))


def _apply_us(open_book: OpenBook, frames: list[bytes]) -> float:
    apply, _ = open_book()
    start = process_time_ns()
    for frame in frames:
        apply(frame)
    return (process_time_ns() - start) / len(frames) / 1000


def _both_us(open_book: OpenBook, frames: list[bytes]) -> tuple[float, float]:
    apply, top_sum = open_book()
    depth = 0.0
    start = process_time_ns()
    for frame in frames:
        apply(frame)
        depth = top_sum()
    return (process_time_ns() - start) / len(frames) / 1000, round(depth, 6)
