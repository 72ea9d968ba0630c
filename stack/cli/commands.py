"""The stack's own commands: up, down, status, logs, doctor."""

from pathlib import Path
from typing import Annotated

import typer

from stack.services.home import recorded
from stack.services.settings import StackSettings

app = typer.Typer()

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of the stack; overrides DEPTHFLOW_HOME.", show_default=".depthflow", file_okay=False),
]
Wipe = Annotated[bool, typer.Option("--wipe", help="Also remove topics, tables, checkpoints and logs.")]
Gateway = Annotated[bool, typer.Option("--gateway", help="Also start Flink's SQL gateway: Flink SQL over REST.")]
Observe = Annotated[bool, typer.Option("--observe", help="Also start Prometheus, with metrics of every process.")]
Serve = Annotated[bool, typer.Option("--serve", help="Also start the gateway (REST, sockets) and the dashboard.")]
NoJobs = Annotated[bool, typer.Option("--no-jobs", help="Do not continue the jobs that ran when the stack ended.")]
Part = Annotated[str, typer.Argument(help="Process name as in `depthflow status`, or supervisord.")]
Lines = Annotated[int, typer.Option("-n", "--lines", min=1, help="Number of lines from the end.")]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Print new lines as they are written, until Ctrl-C.")]

SOMETHING_DOWN = 3


@app.command()
def up(
    home: Home = None,
    gateway: Gateway = False,
    serve: Serve = False,
    observe: Observe = False,
    no_jobs: NoJobs = False,
) -> None:
    """Start the local Kafka, Flink, PostgreSQL and Valkey, and wait until all of them respond.

    Jobs that ran at `depthflow down`, or when the machine stopped, go on from their newest checkpoints. The first
    start downloads about 60 MB of jars; later starts need no network. A stack that runs already is left as it is.

    Example: depthflow up
    """
    from stack.services import lifecycle, observation
    from stack.services.progress import Progress, output
    from stack.services.status_tables import endpoints

    settings, progress = stack_settings(home), Progress()
    started = lifecycle.up(settings, progress, gateway, resume=not no_jobs, serve=serve, observe=observe)
    progress.console.print("The stack is up." if started else "The stack was already up.")
    output().print(endpoints(settings, gateway, serve))
    if observe and (advice := observation.advice(observation.missing())):
        progress.console.print(advice, highlight=False, soft_wrap=True)


@app.command()
def down(home: Home = None, wipe: Wipe = False) -> None:
    """Stop all processes that `up` started. The data stay unless --wipe is given.

    The next `up` continues the jobs that run now. `depthflow stop` before it keeps a job stopped. The first time after
    a submission, `down` takes 15 s more to archive Flink's classes, so that later submissions are faster.

    Example: depthflow down --wipe
    """
    from stack.services import home as folder
    from stack.services import lifecycle
    from stack.services.progress import Progress

    settings, progress = stack_settings(home), Progress()
    if not folder.exists(settings.home):
        progress.console.print(f"There is no stack in {settings.home}.", soft_wrap=True, highlight=False)
        return
    with progress.step("stopping the stack" + (" and removing its data" if wipe else "")):
        stopped = lifecycle.down(settings, wipe)
    if not stopped:
        progress.console.print("No process was running" + ("; the data are removed." if wipe else "."))


@app.command()
def status(home: Home = None) -> None:
    """Show processes, Flink jobs and topics. Exit code 0 if everything works, 3 if something is down.

    Example: depthflow status
    """
    from stack.services.progress import output
    from stack.services.status import inspect
    from stack.services.status_tables import tables

    current = inspect(recorded(stack_settings(home).home))
    output().print(*tables(current), sep="\n")
    raise typer.Exit(0 if current.healthy else SOMETHING_DOWN)


@app.command()
def logs(name: Part, home: Home = None, follow: Follow = False, lines: Lines = 50) -> None:
    """Show the log of one process of the stack.

    Example: depthflow logs kafka -f
    """
    from stack.services.logs import show

    show(stack_settings(home).home, name, lines, follow)


@app.command()
def doctor(home: Home = None) -> None:
    """Check everything that the stack needs of this machine, and show how to fix what is missing.

    Exit code 0 if every check passes, otherwise 1.

    Example: depthflow doctor
    """
    from stack.services.doctor import examine, table
    from stack.services.progress import output

    checks = list(examine(stack_settings(home)))
    output().print(table(checks))
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


def stack_settings(home: Path | None) -> StackSettings:
    """Settings of the stack in `home`, or in the folder that the environment names."""
    return StackSettings() if home is None else StackSettings(depthflow_home=home)
