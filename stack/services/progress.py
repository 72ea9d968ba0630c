"""Progress of long work: a spinner while a step runs, a line with its duration when it has finished."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.markup import escape
from rich.status import Status

MEGABYTE = 1_000_000
WIDTH = 10_000  # columns of a file or a pipe: no cell is cut and no line is wrapped


def output() -> Console:
    """Standard output; wide where it is not a terminal, so that no cell is cut and no line is wrapped."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


class Progress:
    """Shows steps and downloads on standard error, as plain lines where that is not a terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._status: Status | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step, which lasts until the end of the block."""
        start = monotonic()
        with self.console.status(escape(title)) as self._status:
            yield
        self.console.print(f"[green]✓[/green] {escape(title)} [dim]{monotonic() - start:.1f} s[/dim]", highlight=False)

    @contextmanager
    def download(self, file: str, size: int) -> Iterator[Callable[[int], None]]:
        """One download inside a step. Yields a function to call with the number of bytes of each chunk."""
        received = 0

        def add_chunk(count: int) -> None:
            nonlocal received
            received += count
            if self._status:
                self._status.update(
                    f"downloading {escape(file)}: {received / MEGABYTE:.1f} of {size / MEGABYTE:.1f} MB"
                )

        yield add_chunk
        if not self.console.is_terminal and size >= MEGABYTE:
            self.console.print(f"  {escape(file)} {size / MEGABYTE:.1f} MB", highlight=False)
