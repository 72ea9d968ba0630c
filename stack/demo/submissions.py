"""Submission of the demo's jobs, each by the command that a user types."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from core.settings import Settings
from jobs.submit import FlinkCluster
from stack.services.errors import StackError
from stack.services.polling import poll_until
from stack.services.progress import Progress

FIRST = ("books", "cache")  # with these the page of live books moves
LATER = ("options", "alerts", "analytics")
RUNNING_S = 240


def submit(settings: Settings, jobs: Sequence[str], progress: Progress) -> None:
    """Submit those jobs that are not running, and wait until all of them run. Raises StackError when one does not.

    The submissions run side by side, since each of them mostly waits for processes to start.
    """
    cluster = FlinkCluster.of(settings)
    missing = [job for job in jobs if not cluster.running(job)]
    if not missing:
        progress.console.print(f"  {', '.join(jobs)}: already running")
        return
    with progress.step(f"submitting {', '.join(missing)}: depthflow submit JOB"), ExitStack() as stack:
        submissions = {job: stack.enter_context(_submission(settings, job)) for job in missing}
        for job, process in submissions.items():
            output, errors = process.communicate()
            if process.returncode:
                raise StackError(f"The job {job} was not accepted", "Flink's reason:", (errors or output).strip())
    with progress.step(f"waiting for {', '.join(missing)} to run"):
        _wait_running(cluster, jobs)


def _wait_running(cluster: FlinkCluster, jobs: Sequence[str]) -> None:
    """Wait until every task runs. Simulators that start before that would slow down the jobs and themselves."""
    poll_until(
        lambda: all(job["tasks"]["running"] == job["tasks"]["total"] for job in _found(cluster, jobs)),
        RUNNING_S,
        lambda: StackError("The jobs do not run", "`depthflow status` shows them, `depthflow logs jobmanager` why"),
        pause_s=0.5,
    )


def _found(cluster: FlinkCluster, jobs: Sequence[str]) -> list[dict[str, Any]]:
    ids = [jid for job in jobs for jid in cluster.running(job)]
    return [job for job in cluster.get("/jobs/overview")["jobs"] if job["jid"] in ids]


def require_slots(settings: Settings) -> None:
    """Raises StackError unless the cluster has slots for the jobs that are missing, and for a query."""
    cluster = FlinkCluster.of(settings)
    needed, free = sum(not cluster.running(job) for job in FIRST + LATER) + 1, cluster.free_slots()
    if free < needed:
        raise StackError(
            f"The jobs and a query need {needed} slots, the cluster has {free} free",
            "Stop other jobs, or run `depthflow down` and raise FLINK_TASKMANAGERS",
        )


@contextmanager
def _submission(settings: Settings, job: str) -> Iterator[subprocess.Popen[str]]:
    """A running `depthflow submit`. Flink's client and the job's Python process below it also end with the block."""
    command = [sys.executable, "-m", "stack", "submit", job]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"DEPTHFLOW_HOME": str(settings.home)},
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
