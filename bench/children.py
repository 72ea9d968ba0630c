"""Processes that a benchmark starts, and that end with it, however it ends."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1


@contextmanager
def child(command: Sequence[str], stdout: int | None = None, **environment: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is killed at the end of the block, and on Linux also when this process is killed."""
    with subprocess.Popen(command, stdout=stdout, env=os.environ | environment, preexec_fn=end_with_parent) as process:
        try:
            yield process
        finally:
            process.kill()


def end_with_parent() -> None:
    """Let the kernel kill this process when its parent dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
