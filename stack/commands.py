"""The stack's own commands: up, down, status, logs, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from stack.home import recorded
from stack.settings import StackSettings

app = typer.Typer()

Home = Annotated[
    Path | None,
    typer.Option(help="The stack's folder; DEPTHFLOW_HOME says the same.", show_default=".depthflow", file_okay=False),
]
Wipe = Annotated[bool, typer.Option("--wipe", help="Remove topics, tables, checkpoints and logs too.")]
Gateway = Annotated[bool, typer.Option("--gateway", help="Flink's SQL gateway as well: Flink SQL over REST.")]
Part = Annotated[str, typer.Argument(help="A process as `depthflow status` names it, or supervisord.")]
Lines = Annotated[int, typer.Option("-n", "--lines", min=1, help="How many lines from the end.")]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on with what is written next, until Ctrl-C.")]

SOMETHING_DOWN = 3


@app.command()
def up(home: Home = None, gateway: Gateway = False) -> None:
    """Start the local Kafka, Flink, PostgreSQL and Valkey, and wait until they answer.

    The first time it fetches about 60 MB of jars; later it needs no network. Twice is once.

    Example: depthflow up
    """
    from stack import lifecycle
    from stack.report import Reporter, output
    from stack.status import endpoints

    settings, report = _settings(home), Reporter()
    started = lifecycle.up(settings, report, gateway)
    report.console.print("The stack is up." if started else "The stack was up already.")
    output().print(endpoints(settings, gateway))


@app.command()
def down(home: Home = None, wipe: Wipe = False) -> None:
    """Stop everything that `up` started. The data stay, unless told otherwise.

    Example: depthflow down --wipe
    """
    from stack import lifecycle
    from stack.report import Reporter

    report = Reporter()
    with report.step("stopping the stack" + (", removing its data" if wipe else "")):
        stopped = lifecycle.down(_settings(home), wipe)
    if not stopped:
        report.console.print("Nothing was running.")


@app.command()
def status(home: Home = None) -> None:
    """Show processes, Flink jobs and topics. Ends with 0 when all is well, with 3 when something is down.

    Example: depthflow status
    """
    from stack.report import output
    from stack.status import inspect, tables

    found = inspect(recorded(_settings(home).home))
    output().print(*tables(found), sep="\n")
    raise typer.Exit(0 if found.well else SOMETHING_DOWN)


@app.command()
def logs(name: Part, home: Home = None, follow: Follow = False, lines: Lines = 50) -> None:
    """Show what one process of the stack wrote.

    Example: depthflow logs kafka -f
    """
    from stack.logs import show

    show(_settings(home).home, name, lines, follow)


@app.command()
def doctor(home: Home = None) -> None:
    """Check what the stack needs of this machine, and say what to do about what is missing. Ends with 1 if anything is.

    Example: depthflow doctor
    """
    from stack.doctor import examine, table
    from stack.report import output

    checks = list(examine(_settings(home)))
    output().print(table(checks))
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


def _settings(home: Path | None) -> StackSettings:
    return StackSettings() if home is None else StackSettings(depthflow_home=home)
