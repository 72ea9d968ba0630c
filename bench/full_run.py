"""`depthflow bench all`: every benchmark of the books job in one run, as tables and plots in a document."""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from bench import compare, curves, domain, forward, latency, peer_books
from bench.books import Load
from bench.defaults import DEPTHS, RATES, SYMBOLS
from bench.plots import save_plots

BEGIN, END = "<!-- bench all: begin -->", "<!-- bench all: end -->"

console = Console(stderr=True)


def report(path: Path, frames: Path, records: int, repeats: int, seconds: float, parallelism: int) -> None:
    """Run everything, and write the part of the document between the marks, and the plot beside it."""
    options = [f"--parallelism={parallelism}"]
    peers = compare.measure(Load(records, 10, "binance", 20, repeats), parallelism)
    delays = latency.measure(RATES, seconds, 10, options)
    points = curves.measure(records // 2, curves.shapes(DEPTHS, SYMBOLS), options)
    parts = [
        head(records, repeats, parallelism),
        peers_part(peers),
        latency_part(delays),
        curves_part(points),
        forward_part(forward.measure_all(records // repeats, repeats)),
        books_part(peer_books.measure(console.print)),
        domain_part(frames),
    ]
    plot = path.with_name("performance.svg")
    save_plots(plot, {name: compare.summary(runs) for name, (_, runs) in peers.items()}, delays, points)
    parts.insert(1, f"![Rates, latencies and cost curves of this run]({plot.name})")
    write_part(path, "\n\n".join(parts))
    console.print(f"written to {path}")


def head(records: int, repeats: int, parallelism: int) -> str:
    """Date, machine and load of the run."""
    now, load = datetime.now(timezone.utc), psutil.getloadavg()[2]
    return (
        f"Run of {now:%Y-%m-%d %H:%M} UTC: {psutil.cpu_count()} cores ({platform.machine()}), load of the machine over "
        f"the last 15 minutes {load:.1f}, {records:,} frames of 20 levels for 10 books, {repeats} rounds, parallelism "
        f"{parallelism}, exactly-once, checkpoints every second."
    )


def peers_part(runs: dict[str, tuple[str, list[Any]]]) -> str:
    """Table of the pipelines."""
    job = compare.summary(runs["books job"][1])
    rows = []
    for name, (makes, each) in runs.items():
        figures = compare.summary(each)
        spread = f"{figures['least_frames_per_s']:,} to {figures['most_frames_per_s']:,}"
        of_job = figures["frames_per_s"] / job["frames_per_s"]
        rows.append((name, makes, f"{figures['frames_per_s']:,}", spread, f"{of_job:.2f}", figures["processor_us"]))
    headings = ("pipeline", "records made", "frames/s", "spread", "of the books job", "processor µs a frame")
    return "### Throughput, beside peers\n\n" + markdown(headings, rows)


def latency_part(delays: Iterable[latency.Latency]) -> str:
    """Table of latencies."""
    rows = [(each.per_s, *asdict(each.uncommitted).values(), *asdict(each.committed).values()) for each in delays]
    headings = ("frames/s", "p50", "p99", "p99.9", "committed p50", "committed p99", "committed p99.9")
    return "### Latency, broker to broker, ms\n\n" + markdown(headings, rows)


def curves_part(points: Iterable[curves.Point]) -> str:
    """Table of the cost curves."""
    headings = ("books", "levels a side", "frames/s", "processor µs a frame", "state, MB", "checkpoint, ms")
    return "### Cost against depth and number of books\n\n" + markdown(headings, map(curves.cells, points))


def forward_part(runs: dict[str, forward.Runs]) -> str:
    """Table of the forwarder."""
    table = [(name, *(f"{value:,.1f}" for value in each.figures().values())) for name, each in runs.items()]
    of_bare = forward.ratios(runs)
    text = (
        f"The forwarder with the same client reaches {of_bare['ratio']:.2f} of the bare loop, "
        f"{of_bare['least_ratio']:.2f} to {of_bare['most_ratio']:.2f} in pairs of runs."
    )
    return f"### Forwarder\n\n{markdown(('', *forward.HEADINGS), table)}\n\n{text}"


def books_part(costs: dict[str, peer_books.BookCost]) -> str:
    """Table of the books of peers."""
    rows = [(name, cost.apply_us, cost.with_sums_us) for name, cost in costs.items()]
    headings = ("book of", "decode and apply, µs a frame", "with the sums of ten levels a side")
    return "### The book, beside peers\n\n" + markdown(headings, rows)


def domain_part(frames: Path) -> str:
    """Table of the domain."""
    rows = [(name, value) for name, value in flat(domain.measure(frames))]
    return "### Domain\n\n" + markdown(("figure", "value"), rows)


def flat(figures: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Figures with dotted names, from nested ones."""
    for name, value in figures.items():
        nested = value if isinstance(value, dict) else getattr(value, "__dict__", None)
        yield from flat(nested, f"{prefix}{name}.") if nested else [(prefix + name, value)]


def markdown(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def write_part(path: Path, text: str) -> None:
    """Replace the part of a document between the marks; a document without them gets it at its end."""
    document = path.read_text() if path.exists() else ""
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2].strip()
    parts = (before.strip(), f"{BEGIN}\n{text}\n{END}", after)
    path.write_text("\n\n".join(part for part in parts if part) + "\n")
