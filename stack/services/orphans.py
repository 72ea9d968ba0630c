"""Processes of a stack whose supervisor has ended: found by a variable in their environment, ended by their pid."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from stack.services import postgres
from stack.services.settings import StackSettings
from stack.services.supervisor import HOME_VARIABLE

TERMINATION_S = 20


def terminate_orphans(settings: StackSettings) -> list[int]:
    """End every process that this stack has started and that no supervisor watches any more; returns their pids."""
    orphans = list(stack_processes(settings.home))
    for orphan in orphans:
        _unless_gone(orphan.terminate)
    if server := _postmaster(postgres.data_folder(settings)):
        orphans.append(server)
        _unless_gone(lambda: server.send_signal(signal.SIGINT))  # at SIGTERM it would wait for its clients
    for survivor in psutil.wait_procs(orphans, timeout=TERMINATION_S)[1]:
        _unless_gone(survivor.kill)
    psutil.wait_procs(orphans, timeout=TERMINATION_S)
    return [orphan.pid for orphan in orphans]


def stack_processes(home: Path) -> Iterator[psutil.Process]:
    """Processes that the supervisor of this home has started, and their children."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(HOME_VARIABLE) == str(home) and process.pid != os.getpid():
                yield process
        except (psutil.Error, OSError):  # ended meanwhile, or belongs to another user
            continue


def _postmaster(data: Path) -> psutil.Process | None:
    """The PostgreSQL server, which may run as another user; its pid is in its data directory."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        return process if str(data) in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _unless_gone(action: Callable[[], object]) -> None:
    try:
        action()
    except psutil.NoSuchProcess:
        pass
