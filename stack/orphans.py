"""Processes of a stack whose supervisor is gone: found by the mark in their environment, ended by pid."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from stack import postgres
from stack.processes import MARK
from stack.settings import StackSettings

PATIENCE_S = 20


def end_orphans(settings: StackSettings) -> list[int]:
    """End every process that this stack started and nobody minds any more; returns their pids."""
    orphans = list(marked(str(settings.home)))
    for orphan in orphans:
        _unless_gone(orphan.terminate)
    if server := _postmaster(postgres.data_folder(settings)):
        orphans.append(server)
        _unless_gone(lambda: server.send_signal(signal.SIGINT))  # SIGTERM would wait for its clients
    for stubborn in psutil.wait_procs(orphans, timeout=PATIENCE_S)[1]:
        _unless_gone(stubborn.kill)
    psutil.wait_procs(orphans, timeout=PATIENCE_S)
    return [orphan.pid for orphan in orphans]


def marked(home: str) -> Iterator[psutil.Process]:
    """Processes that were started by the supervisor of this home, or by one of those."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == home and process.pid != os.getpid():
                yield process
        except (psutil.Error, OSError):  # gone meanwhile, or somebody else's
            continue


def _postmaster(data: Path) -> psutil.Process | None:
    """PostgreSQL may run as another user; its pid is in its data directory."""
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
