"""`depthflow upgrade`."""

import shlex
import subprocess
from typing import Annotated

import typer

from core.literal_console import literal_console
from core.settings import Settings
from jobs import submit as submission
from jobs import upgrade as upgrading
from jobs.cli import Job
from jobs.submit import FlinkCluster, SubmitError
from stack.services.taskmanagers import prepare_submission

app = typer.Typer()
console = literal_console()


@app.command()
def upgrade(
    job: Annotated[Job, typer.Argument(help="Name of the job.")],
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Number of slots.")] = 1,
    within_s: Annotated[
        float, typer.Option(min=1, help="Time within which the new code has to complete a checkpoint.")
    ] = upgrading.COME_UP_S,
    back_to: Annotated[
        str, typer.Option(help="The earlier installation's depthflow command, started again if the new code fails.")
    ] = "",
) -> None:
    """Stop a job with a savepoint and start it from there with the code that is installed now.

    Also rescales a job. Without --back-to, a job that does not come up stays stopped, and its savepoint is printed.
    With it, the earlier command starts the job from there with as many slots as before.

    Example: depthflow upgrade books --back-to /opt/depthflow-0.1/bin/depthflow
    """
    settings = Settings()
    cluster = FlinkCluster.of(settings)
    earlier = cluster.parallelism(job.value)
    submission.require_slots(cluster, parallelism - earlier)

    def start(savepoint: str) -> None:
        prepare_submission(settings)
        submit(settings, job.value, savepoint, parallelism)

    def go_back(savepoint: str) -> None:
        again = f"{back_to or 'depthflow'} submit {job.value} --from {savepoint} --parallelism {earlier}"
        if not back_to:
            raise SubmitError(
                f"the new code did not come up and {job.value} is stopped: install code that works, and run `{again}`"
            )
        environment = submission.client_environment(settings)
        done = subprocess.run(shlex.split(again), capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SubmitError(f"the earlier code does not start either, {job.value} is stopped: {done.stderr.strip()}")

    with console.status(f"upgrading {job.value}"):
        savepoint = upgrading.upgrade(
            lambda: submission.stop(cluster, job.value),
            start,
            lambda: upgrading.wait_up(cluster, job.value, within_s),
            go_back,
        )
    console.print(f"{job.value} runs the new code, from {savepoint}", soft_wrap=True, highlight=False)


def submit(settings: Settings, job: str, savepoint: str, parallelism: int) -> None:
    """Submit a job from a savepoint."""
    cluster = FlinkCluster.of(settings)
    command = submission.run_command(cluster, job, [f"--parallelism={parallelism}"], savepoint)
    submission.start(command, settings)
