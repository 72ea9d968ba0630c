"""Console for names and texts of others: files, frames, symbols, errors of other programs."""

from rich.console import Console


def literal_console(stderr: bool = True, width: int | None = None) -> Console:
    """Console that prints text as it is: `[/x]` is no markup and `:x:` no emoji. `width`: columns; None: its own."""
    return Console(stderr=stderr, width=width, markup=False, emoji=False)
