"""Flink's own SQL client, started in a prepared session."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.submit import SubmitError, quick_client
from market.errors import UserError
from market.settings import Settings

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TABLE = re.compile(r"\+-[-+]*\+\n.* in set[^\n]*", re.DOTALL)
_EMPTY = "Empty set"


class QueryFailed(UserError):
    """Flink refused a query, or it failed while it ran; the text has Flink's reason."""


@dataclass(frozen=True)
class _Client:
    """The client's command, its environment, and the folder that both lead to."""

    command: list[str]
    environment: dict[str, str]
    folder: Path


def interact(settings: Settings, script: str) -> int:
    """Hand the terminal to the client after the statements of `script`; its exit code."""
    with _prepared(settings, script) as client, _left_to_the_client():
        return subprocess.run(client.command, env=client.environment).returncode


def answer(settings: Settings, script: str, statement: str) -> str:
    """The table that the client prints for one statement after those of `script`.

    Raises QueryFailed with Flink's reason; the client itself ends with 0 whatever happens.
    """
    with _prepared(settings, script) as client:
        query = client.folder / "query.sql"
        query.write_text(f"{statement.rstrip()};\n")
        command = [*client.command, "-f", str(query)]
        done = subprocess.run(command, env=client.environment, capture_output=True, text=True)
    said = _COLOUR.sub("", done.stdout)
    found = _TABLE.search(said)
    if "[ERROR]" in said or not (found or _EMPTY in said):
        raise QueryFailed(f"Flink did not answer the query: {_reason(said) or done.stderr.strip()}")
    return found[0] if found else _EMPTY


@contextmanager
def _prepared(settings: Settings, script: str) -> Iterator[_Client]:
    """The client, to be started. The script holds credentials, and history and log of the client repeat it: all three
    are where only their owner can reach them, and go with the client."""
    program = settings.flink_home / "bin" / "sql-client.sh"
    if not program.exists():
        raise SubmitError(f"no Flink at {settings.flink_home}: run `depthflow up`, or set FLINK_HOME")
    with TemporaryDirectory(prefix="depthflow-sql-") as name:
        folder = Path(name)
        (folder / "session.sql").write_text(script)
        command = [str(program), "--init", str(folder / "session.sql"), "--history", str(folder / "history")]
        yield _Client(command, os.environ | quick_client() | {"FLINK_LOG_DIR": name}, folder)


@contextmanager
def _left_to_the_client() -> Iterator[None]:
    """Ctrl-C is the client's: there it ends a query, not the session. (Ignored, it would be ignored there, too.)"""
    before = signal.signal(signal.SIGINT, lambda signum, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _reason(said: str) -> str:
    """What Flink's report of an error ends in."""
    report = said.rpartition("Reason:")[2] if "Reason:" in said else said.rpartition("[ERROR]")[2]
    return report.partition("Shutting down")[0].strip()
