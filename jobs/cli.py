"""`depthflow submit` and `depthflow stop`."""

from enum import Enum
from typing import Annotated

import typer

from core.literal_console import literal_console
from core.settings import Settings
from jobs import submit as submission
from jobs import transactions
from jobs.submit import JOBS, FlinkCluster

app = typer.Typer()
console = literal_console()

Job = Enum("Job", {name: name for name in JOBS}, type=str)  # type: ignore[misc]


class Mode(str, Enum):
    thread = "thread"
    process = "process"


@app.command()
def submit(
    job: Annotated[Job, typer.Argument(help="Name of the job.")],
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Number of slots.")] = 1,
    mode: Annotated[
        Mode | None,
        typer.Option(help="Runtime of Python functions; default: that of the cluster."),
    ] = None,
    start_from: Annotated[
        str | None, typer.Option("--from", help="Checkpoint or savepoint to resume from instead of the newest.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start without saved state, from the consumer group's committed offsets.")
    ] = False,
    unless_running: Annotated[
        bool, typer.Option("--unless-running", help="Succeed without a submission when the job is running already.")
    ] = False,
    allow_non_restored_state: Annotated[
        bool,
        typer.Option(
            "--allow-non-restored-state",
            help="Drop saved state of operators that the job no longer has. Books and chains, which have fixed uids, "
            "are kept; sources whose SQL plan changed continue from the group's committed offsets.",
        ),
    ] = False,
) -> None:
    """Submit a job to the running cluster and resume it from its newest checkpoint or savepoint.

    State in a store that cannot be listed from here (s3://) is named with --from.

    Example: depthflow submit books
    """
    settings = Settings()
    cluster = FlinkCluster.of(settings)
    if unless_running and (running := cluster.running(job.value)):
        console.print(f"{job.value} is already running as {running[0]}", highlight=False)
        return
    submission.require_startable(cluster, job.value, parallelism)
    state = None if fresh else start_from
    if state is None and not fresh and (state := submission.newest_state(cluster, job.value)):
        transactions.require_known(settings, job.value, submission.age_s(state))
    if fresh and (aborted := transactions.abort_open(settings, job.value)):
        console.print(f"aborted {aborted} open transactions of an earlier run", highlight=False)
    options = [f"--parallelism={parallelism}", *([f"-Dpython.execution-mode={mode.value}"] if mode else [])]
    command = submission.run_command(cluster, job.value, options, state, allow_non_restored_state)
    console.print(" ".join(command), style="dim", soft_wrap=True, highlight=False)
    with console.status(f"submitting {job.value}"):
        output = submission.start(command, settings)
    result = f"resumed from {state}" if state else "started without saved state"
    console.print(output.strip().splitlines()[-1], result, sep="\n", soft_wrap=True, highlight=False)


@app.command()
def stop(job: Annotated[Job, typer.Argument(help="Name of the job.")]) -> None:
    """Stop a job with a savepoint, from which the next submit resumes.

    Example: depthflow stop books
    """
    with console.status(f"stopping {job.value} with a savepoint"):
        savepoint = submission.stop(FlinkCluster.of(Settings()), job.value)
    console.print(f"{job.value} stopped; savepoint: {savepoint}", soft_wrap=True, highlight=False)
