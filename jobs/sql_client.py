"""Flink's SQL client in a prepared session."""

import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path
from tempfile import TemporaryDirectory

from core.errors import UserError
from core.settings import Settings
from jobs.submit import SubmitError, client_environment

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TABLE = re.compile(r"\+-[-+]*\+\n.* in set[^\n]*", re.DOTALL)
_EMPTY = "Empty set"
_PROMPT = "Flink SQL> "
_NOISE = re.compile(r"^(?:\[INFO\].*|Shutting down the session\.\.\.|done\.)\n?", re.MULTILINE)


SHOWN_CHARACTERS = 200  # an error shows the start of the statement that failed


class QueryFailed(UserError):
    """A query that Flink refused or that failed while running; the text has Flink's reason."""


@dataclass(frozen=True)
class _Client:
    """The client's command, its environment, and the folder that both refer to."""

    command: list[str]
    environment: dict[str, str]
    folder: Path


def interact(settings: Settings, script: str) -> int:
    """Run the client interactively after the statements of `script`; return its exit code."""
    with _prepared(settings, script) as client, _interrupts_left_to_client():
        return subprocess.run(client.command, env=client.environment).returncode


def run_query(settings: Settings, script: str, statement: str) -> str:
    """The table that the client prints for one statement after those of `script`.

    Raises QueryFailed with Flink's reason. The client's exit code is 0 also after an error.
    """
    with _prepared(settings, script) as client:
        query = client.folder / "query.sql"
        query.write_text(f"{statement.rstrip()};\n")
        command = [*client.command, "-f", str(query)]
        done = subprocess.run(command, env=client.environment, capture_output=True, text=True)
    output = _COLOUR.sub("", done.stdout)
    table = _TABLE.search(output)
    if "[ERROR]" in output or not (table or _EMPTY in output):
        raise QueryFailed(f"the query failed in Flink: {_reason(output) or done.stderr.strip()}")
    return table[0] if table else _EMPTY


def run_file(settings: Settings, script: str, statements: Sequence[str]) -> Iterator[str]:
    """The client's output of each statement in order, after the statements of `script`.

    Raises QueryFailed with the first statement that failed and Flink's reason. No later statement is executed.
    """
    with _prepared(settings, script) as client:
        file = client.folder / "statements.sql"
        file.write_text("".join(f"{each};\n" for each in statements))
        command = [*client.command, "-f", str(file)]
        done = subprocess.run(command, env=client.environment, capture_output=True, text=True)
    _, *outputs = _COLOUR.sub("", done.stdout).split(_PROMPT)
    if not outputs:
        raise QueryFailed(f"Flink's client did not start: {_reason(done.stdout) or done.stderr.strip()}")
    for number, (statement, output) in enumerate(zip(statements, outputs, strict=False), 1):
        if "[ERROR]" in output:
            where = f"statement {number} of {len(statements)} failed in Flink: {_shortened(statement)}"
            raise QueryFailed(f"{where}\n{_reason(output)}")
        if text := _NOISE.sub("", _without_echo(output, statement)).strip():
            yield text


def _without_echo(output: str, statement: str) -> str:
    """The output without the start of its statement, which the client sometimes repeats."""
    echo = commonprefix([output, statement])
    return output[len(echo) :] if len(echo) > 3 else output


def _shortened(statement: str) -> str:
    line = " ".join(statement.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…"


@contextmanager
def _prepared(settings: Settings, script: str) -> Iterator[_Client]:
    """The client's command. The script contains credentials, which the client's history and log repeat: all three lie
    in a folder that only its owner can enter and that is removed when the client ends."""
    program = settings.flink_home / "bin" / "sql-client.sh"
    if not program.exists():
        raise SubmitError(f"no Flink at {settings.flink_home}: run `depthflow up`, or set FLINK_HOME")
    with TemporaryDirectory(prefix="depthflow-sql-") as name:
        folder = Path(name)
        (folder / "session.sql").write_text(script)
        command = [str(program), "--init", str(folder / "session.sql"), "--history", str(folder / "history")]
        yield _Client(command, client_environment(settings) | {"FLINK_LOG_DIR": name}, folder)


@contextmanager
def _interrupts_left_to_client() -> Iterator[None]:
    """Leave Ctrl-C to the client, where it ends a query, not the session. (The client would inherit SIG_IGN.)"""
    before = signal.signal(signal.SIGINT, lambda signum, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _reason(output: str) -> str:
    """The last part of Flink's error report."""
    report = output.rpartition("Reason:")[2] if "Reason:" in output else output.rpartition("[ERROR]")[2]
    return report.partition("Shutting down")[0].strip()
