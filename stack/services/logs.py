"""Logs of the stack's processes: their files, their last lines, and following them."""

import time
from collections import deque
from pathlib import Path

from stack.services.errors import StackError

POLL_S = 0.2


def log_file(home: Path, name: str) -> Path:
    """File to which the process of that name writes its output."""
    return home / "logs" / f"{name}.log"


def log_tail(home: Path, name: str, lines: int = 15) -> str:
    """The last lines of a log; empty if there is no log."""
    file = log_file(home, name)
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else ""


def show(home: Path, name: str, lines: int, follow: bool) -> None:
    """Print the last `lines` lines; with `follow` also new lines until interrupted, across rotations of the file.

    Raises StackError that lists the logs when there is none of that name.
    """
    file = log_file(home, name)
    if not file.is_file():
        logs = ", ".join(sorted(log.stem for log in file.parent.glob("*.log"))) or "none yet; `depthflow up` starts it"
        raise StackError(f"No log of {name!r} in {file.parent}", f"Existing logs: {logs}")
    with open(file, errors="replace") as source:
        print(*deque(source, maxlen=lines), sep="", end="", flush=True)
        end = source.tell()
    if follow:
        _follow(file, end)


def _follow(file: Path, position: int) -> None:
    while True:
        size = file.stat().st_size if file.exists() else 0
        position = 0 if size < position else position  # rotated: start with the new file
        if size > position:
            with open(file, errors="replace") as source:
                source.seek(position)
                print(source.read(), end="", flush=True)
                position = source.tell()
        else:
            time.sleep(POLL_S)
