"""Processed records, windows and chains as pandas and pyarrow."""
