"""Console for tables on standard output."""

import sys

from rich.console import Console

from core.literal_console import literal_console

PIPE_WIDTH = 1000  # columns where output is no terminal: no name is cut or wrapped


def table_console() -> Console:
    """Console as wide as the terminal, or wide enough for any row."""
    return literal_console(stderr=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
