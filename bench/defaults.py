"""Defaults of options that several benchmarks share."""

RATES = [1_000, 10_000, 30_000]  # frames a second
DEPTHS = [50, 1_000, 5_000]  # levels a side
SYMBOLS = [10, 1_000, 5_000]
PASSES = 9  # timings of the same frames
