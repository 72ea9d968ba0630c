"""The last lines of a process's log, and what comes after."""

import time
from collections import deque
from pathlib import Path

from stack.errors import StackError

POLL_S = 0.2


def show(home: Path, name: str, lines: int, follow: bool) -> None:
    """Print the last `lines` lines; with `follow` go on until interrupted, across rotations of the file."""
    file = home / "logs" / f"{name}.log"
    if not file.is_file():
        known = ", ".join(sorted(log.stem for log in file.parent.glob("*.log"))) or "none yet: `depthflow up` starts it"
        raise StackError(f"No log of {name!r} in {file.parent}", f"There are: {known}")
    with open(file, errors="replace") as source:
        print(*deque(source, maxlen=lines), sep="", end="", flush=True)
        end = source.tell()
    if follow:
        _follow(file, end)


def _follow(file: Path, position: int) -> None:
    while True:
        size = file.stat().st_size if file.exists() else 0
        position = 0 if size < position else position  # rotated: begin the new file
        if size > position:
            with open(file, errors="replace") as source:
                source.seek(position)
                print(source.read(), end="", flush=True)
                position = source.tell()
        else:
            time.sleep(POLL_S)
