"""The document of a full run, without a cluster."""

from pathlib import Path

from bench.books import Run
from bench.curves import Point, shapes
from bench.full_run import BEGIN, END, curves_part, latency_part, peers_part, write_part
from bench.latency import Latency, Percentiles, Sent
from bench.plots import save_plots

POINTS = [Point(10, 50, 20_000.0, 50.1, 0.2, 30.0), Point(1_000, 200, 19_000.0, 55.0, 9.1, 80.0)]
DELAYS = [Latency(1_000, Sent(999.9, 0.25), Percentiles(40, 79, 123), Percentiles(596, 1082, 1121))]
RUNS = {"bare loop": ("all", [Run(200, {"loop": 10})]), "books job": ("all", [Run(100, {"loop": 8}), Run(80, {})])}


def test_only_the_marked_part_of_the_document_changes(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    path.write_text("# Title\n\nbefore\n\n")
    write_part(path, "first")
    with path.open("a") as document:
        document.write("\nafter\n")
    write_part(path, "second")
    assert path.read_text() == f"# Title\n\nbefore\n\n{BEGIN}\nsecond\n{END}\n\nafter\n"


def test_tables_have_a_row_for_each_measurement() -> None:
    assert "| bare loop | all | 200 | 200 to 200 | 2.22 | 10 |" in peers_part(RUNS)
    assert "| books job | all | 90 | 80 to 100 | 1.00 | 4.0 |" in peers_part(RUNS)
    assert "| 1000 | 40 | 79 | 123 | 596 | 1082 | 1121 |" in latency_part(DELAYS)
    assert "| 1000 | 200 | 19000.0 | 55.0 | 9.1 | 80.0 |" in curves_part(POINTS)


def test_each_curve_varies_one_dimension() -> None:
    assert shapes([50, 5_000], [1_000]) == [(10, 50), (10, 5_000), (1_000, 200)]


def test_the_plots_are_one_picture(tmp_path: Path) -> None:
    spread = {"frames_per_s": 90.0, "least_frames_per_s": 80.0, "most_frames_per_s": 100.0}
    save_plots(tmp_path / "plot.svg", {"books job": spread}, DELAYS, POINTS)
    assert "<svg" in (tmp_path / "plot.svg").read_text()
