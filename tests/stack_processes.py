"""Process ids of a running stack's programs, and their sudden end."""

import time
from pathlib import Path

import psutil

from stack.services.supervisor import Supervisor

WITHIN_S = 60


def running_pid(home: Path, name: str) -> int:
    """Process id of a program, which may be in the middle of a restart: the supervisor gives 0 as its id then."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        (process,) = (each for each in Supervisor(home).processes() if each.name == name)
        if process.pid:
            return process.pid
        assert time.monotonic() < deadline, f"{name} does not run: {process.state}, {process.detail}"
        time.sleep(0.05)


def kill(home: Path, name: str) -> int:
    """Kill a program as soon as it runs, and return the process id it had.

    It does not use `os.kill`, which ends the test run and the shell around it when it is given the process id 0.
    """
    process = psutil.Process(running_pid(home, name))
    process.kill()
    return process.pid
