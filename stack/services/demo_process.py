"""The demo that runs on a stack: one at a time. The removal of its file asks it to end."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.services.errors import StackError
from stack.services.polling import poll_until

END_S = 60  # its forwarders write the frames that they still hold


class DemoEnded(Exception):
    """The demo was asked to end."""


def file(home: Path) -> Path:
    """File that exists while a demo is wanted; the demo holds a lock on it."""
    return home / "run" / "demo.pid"


@contextmanager
def registered(home: Path) -> Iterator[None]:
    """Be the demo of this stack until the block ends. Raises StackError while another one runs."""
    with open(file(home), "a+") as lock:
        if not _try_lock(lock.fileno()):
            raise _other(home)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        try:
            yield
        finally:
            file(home).unlink(missing_ok=True)


def require_none(home: Path) -> None:
    """Raises StackError while a demo runs on this stack."""
    if is_running(home):
        raise _other(home)


def is_running(home: Path) -> bool:
    """True while a demo runs on this stack. The lock ends with its process in any case."""
    try:
        with open(file(home)) as lock:
            return not _try_lock(lock.fileno())
    except FileNotFoundError:
        return False


def check(home: Path) -> None:
    """Called by the demo. Raises DemoEnded once it was asked to end."""
    if not file(home).exists():
        raise DemoEnded


def end(home: Path) -> None:
    """Ask the demo to end, and wait until it has. Raises StackError when it does not in time."""
    try:
        with open(file(home)) as lock:
            pid = lock.read().strip()
            file(home).unlink(missing_ok=True)
            poll_until(
                lambda: _try_lock(lock.fileno()),
                END_S,
                lambda: StackError(f"The demo (process {pid}) does not end", f"`kill {pid}` ends it"),
            )
    except FileNotFoundError:
        return


def _other(home: Path) -> StackError:
    return StackError(
        f"A demo runs already on the stack in {home}", "End it by Ctrl-C in its terminal, or by `depthflow down`"
    )


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
