"""The `depthflow` command: a table of commands. Only the module of the called command is imported."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from core.errors import UserError
from core.stop_signal import EXIT_INTERRUPTED
from stack.extras import EXTRAS
from stack.services.errors import StackError

MISUSED = 2
WORDS_OF_PATTERNS = {
    r"^[a-zA-Z0-9._-]*$": "expected letters, digits, dots, underscores and hyphens",
    r"^\d+[mg]$": "expected a size such as 1200m or 1g",
}


class CommandEntry(NamedTuple):
    """Module of a command and its line in `depthflow --help`."""

    module: str  # has `app`, a typer.Typer
    summary: str
    submits_jobs: bool = False  # idle TaskManagers with outdated code are restarted first


COMMANDS = {
    "demo": CommandEntry("stack.demo.command", "Start everything and show live order books, option chains and alerts."),
    "up": CommandEntry("stack.cli.commands", "Start the local Kafka, Flink, PostgreSQL and Valkey."),
    "down": CommandEntry("stack.cli.commands", "Stop the local stack. Its data stay unless --wipe is given."),
    "status": CommandEntry("stack.cli.commands", "Show processes, Flink jobs and topics of the local stack."),
    "logs": CommandEntry("stack.cli.commands", "Show the log of one process of the local stack."),
    "doctor": CommandEntry("stack.cli.commands", "Check that this machine has everything that the stack needs."),
    "submit": CommandEntry("jobs.cli", "Submit a job to the running Flink cluster.", submits_jobs=True),
    "stop": CommandEntry("jobs.cli", "Stop a job with a savepoint, from which the next submit resumes."),
    "upgrade": CommandEntry("stack.cli.upgrade", "Move a running job to the installed code, or to more slots."),
    "sql": CommandEntry("jobs.sql_cli", "Open Flink's SQL client with every table and view, or run one query."),
    "forward": CommandEntry(
        "ingestion.forwarder.cli", "Stream an exchange's market data into the raw topics until stopped."
    ),
    "topics": CommandEntry("reader.topics_cli", "Create, compare and inspect the topics of a broker."),
    "rules": CommandEntry("reader.rules_cli", "Read and change alert thresholds while the job runs."),
    "notify": CommandEntry("notify.cli", "Send alerts to Alertmanager, chat, mail and paging services until stopped."),
    "ring": CommandEntry("ring.cli", "Keep newest books in shared memory for programs on this machine."),
    "replay": CommandEntry("ingestion.cli", "Publish recorded or generated frames to the raw topics."),
    "serve": CommandEntry("gateway.cli", "Serve books, option chains and alerts over REST and live sockets."),
    "login-link": CommandEntry("gateway.login_link", "Print a link that opens the page of live books, for one login."),
    "dashboard": CommandEntry("dashboard.cli", "Serve the dashboard: live pages, and history with downloads."),
    "mcp": CommandEntry("gateway.tools.cli", "Serve tools for language models over the gateway."),
    "record": CommandEntry("ingestion.archive.cli", "Write the raw topics to Parquet files by venue and hour."),
    "rebuild": CommandEntry("ingestion.cli", "Rebuild order books from recordings, without Flink."),
    "simulate": CommandEntry("simulator.cli", "Serve a simulated exchange for forwarders to connect to."),
    "chain": CommandEntry("reader.chain_cli", "Show the option chain of an underlying as tables or as a picture."),
    "bench": CommandEntry("bench.cli", "Measure the domain code and the jobs.", submits_jobs=True),
}


class LazyGroup(TyperGroup):
    """A group that lists its commands from the table and imports a command's module when the command is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = COMMANDS.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.summary) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else command, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except Exception as error:
            line = _one_line(error)
            if line is None:
                raise
            print(f"depthflow: {line}", file=sys.stderr)
            if detail := getattr(error, "detail", ""):
                print(detail, file=sys.stderr)
            raise typer.Exit(error.status if isinstance(error, UserError) else MISUSED) from None


def load(name: str) -> Any:
    """Import a command: the one of that name in its module's app, or the app itself if it has none of that name."""
    entry = COMMANDS[name]
    try:
        loaded = get_command(import_module(entry.module).app)
    except ModuleNotFoundError as error:
        extra = _extra(str(error.name).split(".")[0])
        raise StackError(
            f"`depthflow {name}` needs the module {error.name}, which is not installed",
            f"pip install 'depthflow[{extra}]'",
        ) from error
    command = getattr(loaded, "commands", {}).get(name, loaded)
    if entry.submits_jobs:
        _prepare_submissions(command)
    return command


def _extra(module: str) -> str:
    """The extra that installs a module."""
    return next((extra for extra, modules in EXTRAS.items() if module in modules), "stack")


def _prepare_submissions(command: Any) -> None:
    """Prepare the stack after the arguments were found valid, and before the command itself runs."""
    for leaf in getattr(command, "commands", {"": command}).values():
        leaf.callback = _after_preparation(leaf.callback)


def _after_preparation(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def prepare_and_call(*arguments: Any, **options: Any) -> Any:
        from core.settings import Settings
        from stack.services.home import exists

        settings = Settings()
        if exists(settings.home):  # elsewhere, such as in an image of the jobs, the packages of the stack are missing
            from stack.services.taskmanagers import prepare_submission

            prepare_submission(settings)
        return callback(*arguments, **options)

    return prepare_and_call


def _one_line(error: Exception) -> str | None:
    """The error as one line: its text, or name and value of a wrong setting; None if the error is not the user's."""
    if isinstance(error, UserError):
        return str(error)
    from pydantic import ValidationError  # not at the top: `--help` does not need it and would wait for it

    if not isinstance(error, ValidationError):
        return None
    offences = (f"{'.'.join(map(str, each['loc'])).upper()}{_fault(each)}" for each in error.errors())
    return f"{'; '.join(offences)}. Correct the environment or .env"


def _fault(error: Any) -> str:
    """Value of a wrong setting and what was expected; patterns are described in words."""
    if error["type"] == "missing":
        return " is not set"
    expected = WORDS_OF_PATTERNS.get(error.get("ctx", {}).get("pattern"), error["msg"].removeprefix("Value error, "))
    return f"={error['input']}: {expected}"


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Exchange order books and option chains on Apache Flink.\n\nExample: depthflow demo",
)


@app.callback()
def root() -> None:
    """Makes typer treat this app as a group."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 misused, 130 interrupted."""
    app()
