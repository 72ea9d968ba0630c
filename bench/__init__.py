"""Benchmarks. Each compares both sides of a ratio in one run, including peer projects."""
