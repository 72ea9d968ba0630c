"""Benchmarks: ratios measured in one run, peers included."""
