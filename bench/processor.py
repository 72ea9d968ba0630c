"""Processor time of the processes that a measured pipeline uses, which other load on the machine changes little."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

STACK = "DEPTHFLOW_STACK"  # in the environment of every process of a local stack; the value is its folder
PARTS = {
    "broker": "kafka.Kafka",
    "taskmanagers": "runtime.taskexecutor.TaskManagerRunner",
    "jobmanager": "entrypoint.StandaloneSessionClusterEntrypoint",
    "workers": "pyflink.fn_execution",
}
US_PER_S = 1e6


def stack_parts(home: Path) -> dict[str, list[psutil.Process]]:
    """Processes of the local stack in that folder by part, one of PARTS; empty for a stack elsewhere."""
    found: dict[str, list[psutil.Process]] = {part: [] for part in PARTS}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(STACK) == str(home):
                command = " ".join(process.cmdline())
                for part in (part for part, mark in PARTS.items() if mark in command):
                    found[part].append(process)
    return found


def used_us(processes: Iterable[psutil.Process]) -> int:
    """User and system time of the processes so far in µs; one that has ended counts as 0."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return int(total * US_PER_S)


def part_clocks(home: Path, *more: psutil.Process) -> dict[str, Callable[[], int]]:
    """A clock of processor time (µs) for each part of the stack; `more`: further processes, the part `loop`.

    Each call looks for processes anew, since workers of process mode start after their job.
    """
    clocks: dict[str, Callable[[], int]] = {part: partial(_part_us, home, part) for part in PARTS}
    return clocks | {"loop": partial(used_us, more)}


def _part_us(home: Path, part: str) -> int:
    return used_us(stack_parts(home)[part])
