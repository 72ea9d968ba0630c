"""The `depthflow` command: a table of commands, of which only the one that is called is imported."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from market.errors import UserError
from stack.errors import StackError

INTERRUPTED = 130


class Entry(NamedTuple):
    """Where a command lives, its line in `depthflow --help`, and what the local stack does before it."""

    module: str  # has `app`, a typer.Typer
    summary: str
    before: str = "stack.reach:reach"


OWN = ""  # the stack's own commands find it by themselves

COMMANDS = {
    "demo": Entry("stack.demo", "From nothing to a live table of order books.", OWN),
    "up": Entry("stack.commands", "Start the local Kafka, Flink, PostgreSQL and Valkey.", OWN),
    "down": Entry("stack.commands", "Stop them; the data stay, unless told otherwise.", OWN),
    "status": Entry("stack.commands", "What runs, since when, and where.", OWN),
    "logs": Entry("stack.commands", "What one of them wrote.", OWN),
    "doctor": Entry("stack.commands", "Check that this machine has what the stack needs.", OWN),
    "submit": Entry("jobs.cli", "Submit a job to the running Flink cluster.", "stack.reach:reach_for_submission"),
    "stop": Entry("jobs.cli", "Stop a job with a savepoint, which the next submit resumes from."),
    "sql": Entry("jobs.sql_cli", "Flink's SQL client with every table and view there, or the answer to a query."),
    "forward": Entry("ingestion.forwarder.cli", "Put what an exchange says into the raw topics, until told to stop."),
    "topics": Entry("ingestion.topics_cli", "The topics of a broker: create, compare, look into."),
    "rules": Entry("ingestion.rules_cli", "Thresholds of alerts, by rule and book, while the job runs."),
    "replay": Entry("ingestion.cli", "Play recordings, or generated frames, into the raw topics."),
    "record": Entry("ingestion.archive.cli", "Write the raw topics to Parquet, by venue and hour."),
    "rebuild": Entry("ingestion.cli", "Rebuild books from recordings, without Flink."),
    "simulate": Entry("ingestion.simulator.cli", "Serve an exchange that is not there, for forwarders to try.", OWN),
    "chain": Entry("reader.chain_cli", "The option chain of an underlying, as tables and as a picture."),
    "bench": Entry("bench.cli", "Measure the domain and the jobs.", "stack.reach:reach_for_submission"),
}


class LazyGroup(TyperGroup):
    """A group that knows its commands from the table and imports a command's module when it is called."""

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
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            line = _one_line(error)
            if line is None:
                raise
            print(f"depthflow: {line}", file=sys.stderr)
            if detail := getattr(error, "detail", ""):
                print(detail, file=sys.stderr)
            raise typer.Exit(1) from None


def load(name: str) -> Any:
    """Import a command: the one of that name in the module's app, or the whole app."""
    entry = COMMANDS[name]
    try:
        loaded = get_command(import_module(entry.module).app)
    except ModuleNotFoundError as error:
        extra = "bench" if str(error.name).split(".")[0] in ("QuantLib", "confluent_kafka", "vollib") else "stack"
        raise StackError(
            f"`depthflow {name}` needs the module {error.name}, which is not installed",
            f"pip install 'depthflow[{extra}]'",
        ) from error
    command = getattr(loaded, "commands", {}).get(name, loaded)
    if entry.before:
        _call_first(command, entry.before)
    return command


def _call_first(command: Any, place: str) -> None:
    """Have `module:function` called once the arguments are known to be good, and before the command itself."""
    module, _, function = place.partition(":")
    for leaf in getattr(command, "commands", {"": command}).values():
        leaf.callback = _after(leaf.callback, module, function)


def _after(callback: Callable[..., Any], module: str, function: str) -> Callable[..., Any]:
    @wraps(callback)
    def both(*arguments: Any, **options: Any) -> Any:
        getattr(import_module(module), function)()
        return callback(*arguments, **options)

    return both


def _one_line(error: Exception) -> str | None:
    """What the user is told: the error's text, or a wrong setting's name and value; None if it is not the user's."""
    if isinstance(error, UserError):
        return str(error)
    from pydantic import ValidationError  # here, because `--help` has no use for it and would wait for it

    if not isinstance(error, ValidationError):
        return None
    wrong = (f"{'.'.join(map(str, e['loc'])).upper()}={e['input']}: {e['msg']}" for e in error.errors())
    return f"{'; '.join(wrong)}. Correct the environment or .env"


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Exchange order books and option chains on Apache Flink.\n\nExample: depthflow demo",
)


@app.callback()
def root() -> None:
    """Here only so that typer makes a group of this app."""


def main() -> None:
    """Run the command line. 0: done, 1: failed, 2: misused, 130: interrupted."""
    app()
