"""Jobs that the JobManager recovers after a start of the stack.

Which jobs run is recorded in ZooKeeper, and survives `down` and the death of any process. `forget` removes that record;
checkpoints and savepoints stay.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError

from stack.services import flink_rest, zookeeper
from stack.services.errors import StackError
from stack.services.flink_rest import Job
from stack.services.polling import poll_until
from stack.services.progress import Progress
from stack.services.settings import StackSettings

RECOVERY_S = 60
NEEDS_A_CLIENT = "Collect table sink"  # in the plan of a query whose rows a client fetches


def forget(home: Path) -> None:
    """Remove the record of running jobs. The processes of the stack must have ended."""
    for folder in (zookeeper.data_folder(home), zookeeper.storage_folder(home)):
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_jobs(settings: StackSettings, progress: Progress) -> None:
    """Wait until the recovered jobs run; print what those wait for that do not run after a minute.

    A query whose client ended with the earlier stack is cancelled, since it would hold its slot for ever.
    """
    if not (jobs := _recovered(settings)):
        return
    for job in jobs:
        with suppress(HTTPError):  # ended meanwhile
            if NEEDS_A_CLIENT in flink_rest.plan(settings, job):
                flink_rest.cancel(settings, job)
    with progress.step("waiting for the jobs that ran before: " + ", ".join(sorted({job.short_name for job in jobs}))):
        waiting = _wait_until_running(settings)
    for job in waiting:
        progress.console.print(f"  {job.short_name} waits for {job.waits_for}; see `depthflow status`")


def _recovered(settings: StackSettings) -> list[Job]:
    """The recovered jobs, once each of them has read its checkpoint."""

    def read() -> list[list[Job]]:
        try:
            jobs = flink_rest.jobs(settings)
        except OSError:  # a busy JobManager; it responded before
            return []
        return [] if any(job.state == "INITIALIZING" for job in jobs) else [jobs]

    timeout_s = settings.stack_start_timeout_s
    (jobs,) = poll_until(
        read,
        timeout_s,
        lambda: StackError(f"Flink did not read the jobs' checkpoints within {timeout_s:.0f} s", "Look at its log"),
    )
    return jobs


def _wait_until_running(settings: StackSettings) -> list[Job]:
    """Wait until no job waits for anything. Returns those that still do after a minute."""
    waiting: list[Job] = []

    def all_run() -> bool:
        waiting[:] = [job for job in flink_rest.jobs(settings) if job.waits_for]
        return not waiting

    try:
        poll_until(all_run, RECOVERY_S, lambda: StackError("", ""), pause_s=0.5)
    except StackError:
        return waiting
    return []
