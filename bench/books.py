"""The books job on the local cluster, compared with a bare loop with the same domain code on the same topics.

Both are measured in turn, several times. Processor time covers broker, TaskManagers, JobManager and the bare loop;
other load on the machine changes it less than a rate.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from bench.bare import books
from bench.children import child
from bench.jobs import prepare, running, temporary_topics
from bench.load import fill_raw, plan
from bench.offsets import Counter, rates_until
from bench.processor import part_clocks
from core.settings import Settings
from core.topics import PROCESSED, RAW_BOOKS, RAW_TRADES

# Snapshots and trades, at most a twentieth of the records, give no processed record.
MEASURED_SHARE = 0.95

console = Console(stderr=True)


@dataclass(frozen=True)
class Load:
    """Frames to process. `levels` counts the levels of a frame, both sides together."""

    frames: int
    symbols: int
    venue: str
    levels: int
    repeats: int = 1


@dataclass(frozen=True)
class Run:
    """One run: processed records per second, and processor time (µs) per record by part."""

    frames_per_s: float
    processor_us: dict[str, float]

    @property
    def total_us(self) -> float:
        return sum(self.processor_us.values())


def report(load: Load, flink_options: list[str]) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    bare, job = measure(load, flink_options)
    figures = summary(bare, job)
    table = Table(title=f"{load.venue}, {load.symbols} books, {load.levels} levels a frame, exactly-once")
    for heading in ("", "frames/s", "spread", "processor µs a frame"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, runs in (("bare loop, same work", bare), ("books job, end to end", job)):
        rates = [run.frames_per_s for run in runs]
        spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
        table.add_row(name, f"{median(rates):,.0f}", spread, f"{median(run.total_us for run in runs):.1f}")
    table.add_row("ratio", f"{figures['ratio']:.2f}", "", f"{figures['processor_ratio']:.2f}")
    Console().print(table)
    for name, runs in (("bare loop", bare), ("books job", job)):
        parts = ", ".join(f"{part} {us:.1f}" for part, us in runs[-1].processor_us.items() if us)
        console.print(f"{name}, processor µs a frame: {parts}", highlight=False)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def summary(bare: Sequence[Run], job: Sequence[Run]) -> dict[str, float]:
    """Medians over the runs; each ratio is the median of those of the pairs."""
    pairs = list(zip(bare, job, strict=True))
    return {
        "frames_per_s": median(run.frames_per_s for run in job),
        "bare_frames_per_s": median(run.frames_per_s for run in bare),
        "ratio": median(second.frames_per_s / first.frames_per_s for first, second in pairs),
        "processor_us": median(run.total_us for run in job),
        "bare_processor_us": median(run.total_us for run in bare),
        "processor_ratio": median(second.total_us / first.total_us for first, second in pairs),
    }


def measure(load: Load, flink_options: list[str]) -> tuple[list[Run], list[Run]]:
    """Runs of the bare loop and of the job, in turn. Raises SubmitError when the cluster cannot run the job."""
    settings, bare, job = prepare("books", options=flink_options), list[Run](), list[Run]()
    counter = Counter(settings.kafka_bootstrap_servers)
    prefixes = [f"{settings.topic_prefix}{number}." for number in range(load.repeats)]
    sinks = [f"{prefix}bare." for prefix in prefixes]
    with temporary_topics(settings, *prefixes, *sinks, wanted=(RAW_BOOKS, RAW_TRADES, *books().output_topics)):
        with console.status(f"filling the raw topics with {load.frames:,} frames"):
            shape = plan(load.venue, load.symbols, load.levels)
            fill_raw(settings.kafka_bootstrap_servers, prefixes, shape, load.frames)
        for number, (prefix, sink) in enumerate(zip(prefixes, sinks, strict=True), 1):
            with console.status(f"the bare loop, {number} of {load.repeats}"):
                bare.append(_bare_run(settings, counter, prefix, sink))
            own = settings.model_copy(update={"topic_prefix": prefix})
            target = counter.count([sink + PROCESSED.name])
            with console.status(f"the books job, {number} of {load.repeats}"), running(own, "books", flink_options):
                job.append(measured_run(own, counter, prefix, int(target * MEASURED_SHARE)))
    return bare, job


def _bare_run(settings: Settings, counter: Counter, source: str, sink: str) -> Run:
    """The bare loop in a process of its own, from the raw topics of a prefix to topics of another."""
    raw = counter.count([source + RAW_BOOKS.name, source + RAW_TRADES.name])
    command = [sys.executable, "-m", "bench.bare", settings.kafka_bootstrap_servers, source, sink, str(raw)]
    with child(command) as loop:
        return measured_run(settings, counter, sink, int(raw * MEASURED_SHARE), psutil.Process(loop.pid))


def measured_run(settings: Settings, counter: Counter, prefix: str, target: int, *loop: psutil.Process) -> Run:
    """Rate and processor time until a pipeline has written `target` processed records; it has started already."""
    topic, clocks = prefix + PROCESSED.name, part_clocks(settings.home, *loop)
    rate, *used = rates_until(topic, target, lambda: counter.count([topic]), *clocks.values())
    return Run(rate, {part: per_s / rate for part, per_s in zip(clocks, used, strict=True)})
