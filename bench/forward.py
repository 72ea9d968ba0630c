"""`depthflow bench forward`: cost of one frame from a local socket to the broker's acknowledgement.

The pipelines run in turn, several times: a single run of each says little, since the machine's speed changes and the
forwarder is slower once 16 MB wait for the broker.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.forward_pipelines import BARE, Pipeline, bare_pipeline, cryptofeed_pipelines, forwarder_pipeline, run, topics
from bench.forwarding import PRODUCERS, Measured
from core.settings import Settings

PACED_PER_S = 5_000
PACED_S = 10
PACED_SHARE = 0.5  # share of the maximum rate, for a pipeline that cannot sustain PACED_PER_S
WARM_UP_S = 2.0  # start of a paced run: the first records of a topic and of a client take far longer than later ones
HEADINGS = ("frames/s", "frames/s per core", "CPU s per million", "at frames/s", "ack p50 ms", "ack p99 ms")

console = Console()


@dataclass(frozen=True)
class Runs:
    """Runs of one pipeline: several at full speed, and one of `per_s` frames per second."""

    full: Sequence[Measured]
    per_s: float
    paced: Measured

    def figures(self) -> dict[str, float]:
        """Values of HEADINGS: throughput is the median of the runs at full speed, latency that of the paced run."""
        return {
            "frames_per_s": median(each.frames_per_s for each in self.full),
            "frames_per_core_s": median(each.frames / each.cpu_s for each in self.full),
            "cpu_s_per_million": median(each.cpu_s_per_million for each in self.full),
            "paced_frames_per_s": self.per_s,
            "ack_p50_ms": self.paced.ack_p50_ms,
            "ack_p99_ms": self.paced.ack_p99_ms,
        }


def report(frames: int, repeats: int) -> None:
    """Print the table, and the results of the default producer as one JSON line."""
    rows = measure_all(frames, repeats)
    table = Table()
    table.add_column("", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for name, runs in rows.items():
        table.add_row(name, *(f"{each:,.1f}" if each < 1000 else f"{each:,.0f}" for each in runs.figures().values()))
    console.print(table)
    console.print("20-level frames of 10 symbols over one socket; acks=all, idempotent, lz4", style="dim")
    figures = rows[PRODUCERS[0]].figures() | ratios(rows)
    console.print(
        f"of the bare loop: {figures['ratio']:.2f} of its rate ({figures['least_ratio']:.2f} to "
        f"{figures['most_ratio']:.2f}), {figures['cpu_ratio']:.2f} of its processor time"
    )
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


def measure_all(frames: int, repeats: int) -> dict[str, Runs]:
    """Runs of the bare loop, of the forwarder with each producer, and of cryptofeed where it can be installed."""
    settings = Settings()
    with topics(settings) as prefix:
        pipelines = (
            bare_pipeline(settings, frames, prefix),
            *(forwarder_pipeline(kind, frames, prefix) for kind in PRODUCERS),
            *cryptofeed_pipelines(settings, frames, prefix),
        )
        full: dict[str, list[Measured]] = {pipeline.name: [] for pipeline in pipelines}
        for number in range(1, repeats + 1):
            for each in pipelines:
                with console.status(f"{each.name}: {each.frames:,} frames at full speed, {number} of {repeats}"):
                    full[each.name].append(run(each, each.frames, 0, 0))
        return {each.name: _paced(each, full[each.name]) for each in pipelines}


def _paced(pipeline: Pipeline, full: Sequence[Measured]) -> Runs:
    """Add the run in which latency is measured."""
    per_s = min(PACED_PER_S, PACED_SHARE * median(each.frames_per_s for each in full))
    with console.status(f"{pipeline.name}: {per_s:,.0f} frames/s for {PACED_S} s"):
        return Runs(full, per_s, run(pipeline, int(per_s * PACED_S), per_s, WARM_UP_S))


def ratios(rows: Mapping[str, Runs]) -> dict[str, float]:
    """Rate and processor time a frame of the forwarder over those of the bare loop with the same client.

    Medians over the pairs of runs, and the least and greatest ratio of rates.
    """
    pairs = list(zip(rows[PRODUCERS[0]].full, rows[BARE].full, strict=True))
    rates = [ours.frames_per_s / bare.frames_per_s for ours, bare in pairs]
    return {
        "ratio": median(rates),
        "least_ratio": min(rates),
        "most_ratio": max(rates),
        "cpu_ratio": median(ours.cpu_s_per_million / bare.cpu_s_per_million for ours, bare in pairs),
    }
