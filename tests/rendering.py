"""Text that a command prints where standard output is no terminal."""

import io
from typing import Any

from rich.console import Console

from stack.services.progress import WIDTH


def rendered(*parts: Any) -> str:
    console = Console(file=io.StringIO(), width=WIDTH)
    console.print(*parts, sep="\n")
    return console.file.getvalue()  # type: ignore[attr-defined]
