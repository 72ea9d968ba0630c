"""`depthflow submit` and `depthflow stop`."""

from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from jobs import submit as submission
from jobs.submit import JOBS, Cluster
from market.settings import Settings

app = typer.Typer()
console = Console(stderr=True)

Job = Enum("Job", {name: name for name in JOBS}, type=str)  # type: ignore[misc]


class Mode(str, Enum):
    thread = "thread"
    process = "process"


@app.command()
def submit(
    job: Annotated[Job, typer.Argument(help="Which job.")],
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Slots to take.")] = 1,
    mode: Annotated[
        Mode | None, typer.Option(help="Where Python runs; if not given, as the cluster is set (analytics: process).")
    ] = None,
    start_from: Annotated[
        str | None, typer.Option("--from", help="A checkpoint or savepoint to resume from, instead of the newest.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget earlier state; read on from the group's offsets.")
    ] = False,
) -> None:
    """Submit a job to the running cluster, resumed from its newest checkpoint or savepoint.

    Example: depthflow submit books
    """
    if job.value == "analytics" and mode is Mode.thread:
        raise typer.BadParameter("analytics runs Python in processes only: docs/state.md says why", param_hint="--mode")
    settings = Settings()
    cluster = Cluster.of(settings)
    submission.require_startable(cluster, job.value)
    state = None if fresh else start_from or submission.newest_state(cluster, job.value)
    options = [f"--parallelism={parallelism}", *([f"-Dpython.execution-mode={mode.value}"] if mode else [])]
    command = submission.run_command(cluster, job.value, options, state)
    console.print(" ".join(command), style="dim", soft_wrap=True, highlight=False)
    with console.status(f"submitting {job.value}"):
        said = submission.run(command, settings)
    console.print(said.strip().splitlines()[-1], f"resumed from {state}" if state else "from the beginning", sep="\n")


@app.command()
def stop(job: Annotated[Job, typer.Argument(help="Which job.")]) -> None:
    """Stop a job with a savepoint, which the next submit resumes from.

    Example: depthflow stop books
    """
    with console.status(f"stopping {job.value} with a savepoint"):
        savepoint = submission.stop(Cluster.of(Settings()), job.value)
    console.print(f"{job.value} stopped; its state is in {savepoint}", soft_wrap=True)
