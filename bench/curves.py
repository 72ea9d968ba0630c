"""`depthflow bench curves`: cost of the books job against the depth of its books and against their number."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.bare import books
from bench.books import MEASURED_SHARE, Run, measured_run
from bench.jobs import prepare, running, temporary_topics
from bench.load import fill_raw, plan
from bench.offsets import Counter
from core.settings import Settings
from core.topics import RAW_BOOKS, RAW_TRADES
from jobs.submit import FlinkCluster

VENUE, LEVELS, SYMBOLS, BOOK_LEVELS = "binance", 20, 10, 200

console = Console(stderr=True)


@dataclass(frozen=True)
class Point:
    """Cost of the job for `symbols` books of `book_levels` levels a side, and its last checkpoint."""

    symbols: int
    book_levels: int
    frames_per_s: float
    processor_us: float
    checkpoint_mb: float
    checkpoint_ms: float


def report(frames: int, book_levels: Sequence[int], symbols: Sequence[int], flink_options: list[str]) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    points = measure(frames, shapes(book_levels, symbols), flink_options)
    table = Table(title=f"Books job, {LEVELS} levels a frame, exactly-once")
    for heading in ("books", "levels a side", "frames/s", "processor µs a frame", "state, MB", "checkpoint, ms"):
        table.add_column(heading, justify="right")
    for point in points:
        table.add_row(*(f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" for value in cells(point)))
    Console().print(table)
    print(json.dumps([asdict(point) for point in points]))


def cells(point: Point) -> tuple[Any, ...]:
    """Cells of the row of a point."""
    return tuple(asdict(point).values())


def shapes(book_levels: Iterable[int], symbols: Iterable[int]) -> list[tuple[int, int]]:
    """Number of books and levels a side of every point: each curve varies one of them."""
    depths = [(SYMBOLS, levels) for levels in book_levels]
    return [*depths, *((number, BOOK_LEVELS) for number in symbols)]


def measure(frames: int, points: Iterable[tuple[int, int]], flink_options: list[str]) -> list[Point]:
    """Cost at every point. Raises SubmitError when the cluster cannot run the job."""
    settings = prepare("books", options=flink_options)
    return [_measure(settings, frames, number, *shape, flink_options) for number, shape in enumerate(points)]


def _measure(
    settings: Settings, frames: int, number: int, symbols: int, book_levels: int, flink_options: list[str]
) -> Point:
    own = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}{number}."})
    counter, prefix = Counter(own.kafka_bootstrap_servers), own.topic_prefix
    with temporary_topics(own, prefix, wanted=(RAW_BOOKS, RAW_TRADES, *books().output_topics)):
        with console.status(f"filling the raw topics: {symbols:,} books of {book_levels:,} levels a side"):
            shape = plan(VENUE, symbols, LEVELS, book_levels=book_levels)
            # Each book begins with a snapshot, a status and some updates before it; they are the warm-up.
            fill_raw(own.kafka_bootstrap_servers, [prefix], shape, frames + 5 * symbols)
        with console.status(f"{symbols:,} books of {book_levels:,} levels a side"):
            with running(own, "books", flink_options):
                run = measured_run(own, counter, prefix, int(frames * MEASURED_SHARE))
                size_mb, took_ms = checkpoint(FlinkCluster.of(own))
    return _point(symbols, book_levels, run, size_mb, took_ms)


def _point(symbols: int, book_levels: int, run: Run, size_mb: float, took_ms: float) -> Point:
    return Point(symbols, book_levels, round(run.frames_per_s), round(run.total_us, 1), size_mb, took_ms)


def checkpoint(cluster: FlinkCluster) -> tuple[float, float]:
    """Size in MB and duration in ms of the last checkpoint of the books job."""
    (job,) = cluster.running("books")
    newest = cluster.get(f"/jobs/{job}/checkpoints")["latest"]["completed"]
    return round(newest["state_size"] / 1e6, 1), float(newest["end_to_end_duration"])
