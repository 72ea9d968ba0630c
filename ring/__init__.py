"""Newest books, trades and ticks in shared memory, for programs on the same machine."""
