"""Figures of the books benchmark."""

from bench.books import Run, summary


def test_ratios_are_medians_over_the_pairs() -> None:
    bare = [Run(100, {"loop": 10.0}), Run(200, {"loop": 10.0}), Run(50, {"loop": 20.0})]
    job = [Run(80, {"broker": 5.0, "taskmanagers": 10.0}), Run(100, {"broker": 20.0}), Run(45, {"broker": 30.0})]
    assert summary(bare, job) == {
        "frames_per_s": 80,
        "bare_frames_per_s": 100,
        "ratio": 0.8,
        "processor_us": 20.0,
        "bare_processor_us": 10.0,
        "processor_ratio": 1.5,
    }
