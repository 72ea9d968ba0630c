"""Defaults of the options that `depthflow bench all` shares with single benchmarks."""

RATES = [1_000, 10_000, 30_000]  # frames a second
DEPTHS = [50, 1_000, 5_000]  # levels a side
SYMBOLS = [10, 1_000, 5_000]
