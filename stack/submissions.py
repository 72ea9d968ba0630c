"""The demo's jobs, by the same command that a user types for each."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from jobs.submit import Cluster
from market.settings import Settings
from stack.errors import StackError
from stack.patience import awaited
from stack.report import Reporter

JOBS = ("analytics", "books", "options", "cache")  # the one whose plan takes longest is the first to begin
RUNNING_S = 120


def submit(report: Reporter) -> None:
    """Submit the jobs that do not run yet, and wait until all of them work. Raises StackError when they do not.

    Side by side: each waits for processes to start, most of the time.
    """
    cluster = Cluster.of(Settings())
    wanted = [job for job in JOBS if not cluster.running(job)]
    if not wanted:
        report.console.print("  the jobs run already")
        return
    _require_slots(cluster, len(wanted) + 1)
    with report.step(f"submitting {', '.join(wanted)}: depthflow submit JOB"), ExitStack() as stack:
        submissions = {job: stack.enter_context(_submission(job)) for job in wanted}
        for job, process in submissions.items():
            said, wrong = process.communicate()
            if process.returncode:
                raise StackError(f"The job {job} was not accepted", "Flink said:", (wrong or said).strip())
    with report.step("waiting for the jobs to run"):
        _wait_running(cluster)


def _wait_running(cluster: Cluster) -> None:
    """Until every task works: simulators and forwarders, starting in between, would be in the way of both."""
    awaited(
        lambda: all(each["tasks"]["running"] == each["tasks"]["total"] for each in _jobs(cluster)),
        RUNNING_S,
        lambda: StackError("The jobs do not run", "`depthflow status` shows them, `depthflow logs jobmanager` why"),
        pause_s=0.5,
    )


def _jobs(cluster: Cluster) -> list[dict[str, Any]]:
    ids = [jid for job in JOBS for jid in cluster.running(job)]
    return [each for each in cluster.get("/jobs/overview")["jobs"] if each["jid"] in ids]


def _require_slots(cluster: Cluster, wanted: int) -> None:
    free = cluster.free_slots()
    if free < wanted:
        raise StackError(
            f"The jobs and a query take {wanted} slots, the cluster has {free} free",
            "Stop other jobs, or `depthflow down` and give FLINK_TASKMANAGERS more",
        )


@contextmanager
def _submission(job: str) -> Iterator[subprocess.Popen[str]]:
    """`depthflow submit` at work. Flink's client and the job's own Python below it end with the block, too."""
    command = [sys.executable, "-m", "stack", "submit", job]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
