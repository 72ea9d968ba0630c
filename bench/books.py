"""The books job on the local cluster, compared with a bare loop with the same domain code on the same topics."""

import json
import subprocess
import sys
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.jobs import job_rate, prepare, temporary_topics
from bench.load import fill_raw, plan
from bench.offsets import Counter
from core.settings import Settings
from core.topics import PROCESSED, RAW_BOOKS, RAW_TRADES

console = Console(stderr=True)


@dataclass(frozen=True)
class Load:
    """Frames to process. `levels` counts the levels of a frame, both sides together."""

    frames: int
    symbols: int
    venue: str
    levels: int


def report(load: Load, flink_options: list[str]) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    figures = measure(load, flink_options)
    table = Table(title=f"{load.venue}, {load.symbols} books, {load.levels} levels a frame, exactly-once")
    table.add_column("")
    table.add_column("frames/s", justify="right")
    table.add_row("books job, end to end", f"{figures['frames_per_s']:,.0f}")
    table.add_row("bare loop, same code", f"{figures['bare_frames_per_s']:,.0f}")
    table.add_row("ratio", f"{figures['ratio']:.2f}")
    Console().print(table)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def measure(load: Load, flink_options: list[str]) -> dict[str, float]:
    """Frames per second of both, and their ratio. Raises SubmitError when the cluster cannot run the job."""
    settings = prepare("books")
    prefix, counter = settings.topic_prefix, Counter(settings.kafka_bootstrap_servers)
    with temporary_topics(settings, prefix, f"{prefix}bare."):
        with console.status(f"filling the raw topics with {load.frames:,} frames"):
            fill_raw(settings.kafka_bootstrap_servers, prefix, plan(load.venue, load.symbols, load.levels), load.frames)
        with console.status("the bare loop"):
            bare = _bare_rate(settings, counter)
        with console.status("the books job"):
            job = _job_rate(settings, counter, flink_options)
    return {"frames_per_s": job, "bare_frames_per_s": bare, "ratio": job / bare}


def _bare_rate(settings: Settings, counter: Counter) -> float:
    """Processed records per second of the bare loop, in a process of its own."""
    prefix = settings.topic_prefix
    raw = counter.count([prefix + RAW_BOOKS.name, prefix + RAW_TRADES.name])
    command = [sys.executable, "-m", "bench.bare", settings.kafka_bootstrap_servers, prefix, f"{prefix}bare.", str(raw)]
    with subprocess.Popen(command) as loop:
        try:
            # Snapshots and trades, at most a twentieth of the records, give no processed record.
            return counter.rate_until(f"{prefix}bare.{PROCESSED.name}", target=int(raw * 0.95))
        except BaseException:
            loop.kill()
            raise


def _job_rate(settings: Settings, counter: Counter, options: list[str]) -> float:
    """Processed records per second of the job, exactly-once, with the checkpoint interval of the cluster."""
    target = counter.count([f"{settings.topic_prefix}bare.{PROCESSED.name}"])
    return job_rate(settings, "books", options, counter, PROCESSED.name, int(target * 0.95))
