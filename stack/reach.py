"""What other packages' commands get of the local stack: its addresses, and fresh TaskManagers for a submission."""

import os
from pathlib import Path

from dotenv import dotenv_values

from stack.credentials import read_environment
from stack.home import recorded
from stack.processes import Supervisor
from stack.settings import ROOT, StackSettings
from stack.taskmanagers import refresh_idle_taskmanagers

SHIPPED = ("market", "jobs")  # what a TaskManager imports


def reach() -> None:
    """Give this process the stack's addresses as defaults: what the environment or `.env` says stays."""
    said = os.environ.keys() | dotenv_values(".env").keys()
    os.environ.update({key: value for key, value in read_environment(StackSettings().home).items() if key not in said})


def reach_for_submission() -> None:
    """As `reach`; and TaskManagers that run nothing are started afresh if code has changed since they started."""
    reach()
    settings = recorded(StackSettings().home)
    if os.environ.get("FLINK_REST_URL") == settings.flink_url and Supervisor(settings.home).alive():
        refresh_idle_taskmanagers(settings, newest_source())


def newest_source(root: Path = ROOT) -> float:
    """When the code that TaskManagers import was last changed, epoch seconds."""
    return max(file.stat().st_mtime for folder in SHIPPED for file in (root / folder).rglob("*.py"))
