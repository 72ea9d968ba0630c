"""How long work is shown: a spinner while a step runs, a line with its time when it is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.status import Status

MEGABYTE = 1_000_000
WIDTH = 200  # of a table that goes to a file or a pipe


def output() -> Console:
    """Standard output; wide where it is not a terminal, so that no cell is cut."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


class Reporter:
    """Says what is being done, on standard error; plain lines where that is not a terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._status: Status | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step, from now to the end of the block."""
        start = monotonic()
        with self.console.status(escape(title)) as self._status:
            yield
        self.console.print(f"[green]✓[/green] {escape(title)} [dim]{monotonic() - start:.1f} s[/dim]", highlight=False)

    @contextmanager
    def download(self, file: str, size: int) -> Iterator[Callable[[int], None]]:
        """One download inside a step: call what this yields with the number of bytes that came."""
        done = 0

        def came(count: int) -> None:
            nonlocal done
            done += count
            if self._status:
                self._status.update(f"fetching {escape(file)}: {done / MEGABYTE:.1f} of {size / MEGABYTE:.1f} MB")

        yield came
        if not self.console.is_terminal and size >= MEGABYTE:
            self.console.print(f"  {escape(file)} {size / MEGABYTE:.1f} MB", highlight=False)
