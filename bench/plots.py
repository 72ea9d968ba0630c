"""Plots of `bench all`: rates of the pipelines, latencies, cost curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from bench.curves import Point
from bench.latency import Latency


def save_plots(
    path: Path, pipelines: Mapping[str, Mapping[str, float]], delays: Sequence[Latency], points: Sequence[Point]
) -> None:
    """Write one picture with three plots."""
    figure = Figure(figsize=(14, 4), layout="constrained")
    rates, lateness, cost = figure.subplots(1, 3)
    medians = [each["frames_per_s"] for each in pipelines.values()]
    spread = [
        [each["frames_per_s"] - each["least_frames_per_s"] for each in pipelines.values()],
        [each["most_frames_per_s"] - each["frames_per_s"] for each in pipelines.values()],
    ]
    rates.barh([*pipelines], medians, xerr=spread)
    rates.set(title="frames/s, median and spread")
    for name in ("p50_ms", "p99_ms", "p999_ms"):
        lateness.plot(
            [each.per_s for each in delays], [getattr(each.uncommitted, name) for each in delays], "o-", label=name
        )
    lateness.set(title="latency, ms", xlabel="frames/s", xscale="log", yscale="log")
    lateness.legend()
    fewest = min(point.symbols for point in points)
    for label, curve, axis in (
        ("levels a side", [point for point in points if point.symbols == fewest], "book_levels"),
        ("books", [point for point in points if point.book_levels == points[-1].book_levels], "symbols"),
    ):
        cost.plot([getattr(point, axis) for point in curve], [point.processor_us for point in curve], "o-", label=label)
    cost.set(title="processor µs a frame", xscale="log", ylim=0)
    cost.legend()
    figure.savefig(path)
