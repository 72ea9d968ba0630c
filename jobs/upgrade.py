"""Upgrade of a running job: stop with a savepoint, start the new code from it, and go back when it does not come up."""

import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from core.errors import UserError
from jobs.submit import ENDED, FlinkCluster, SubmitError, cancel

POLL_S = 0.5
COME_UP_S = 180.0


class UpgradeError(SubmitError):
    """The new code did not come up; the text says in which state the job is now."""


class UnknownState(SubmitError):
    """Flink does not say whether the new code runs, so the earlier one must not be started beside it."""


class Progress(Enum):
    """Progress of a job that was started: it has to complete a checkpoint before anything fails."""

    STARTING = auto()
    UP = auto()
    FAILED = auto()


def upgrade(
    stop: Callable[[], str],
    start: Callable[[str], None],
    wait_up: Callable[[], bool],
    go_back: Callable[[str], None],
) -> str:
    """Stop, start from the savepoint and wait; returns the savepoint.

    `wait_up` returns True when the job has come up. Otherwise `go_back` gets the savepoint, and UpgradeError is raised.
    UnknownState of `wait_up` is raised with the savepoint; nothing is started then.
    Committed output has every record once in both cases: output is committed with a checkpoint, and code that has
    completed one has come up.
    """
    savepoint = stop()
    try:
        start(savepoint)
        if wait_up():
            return savepoint
        reason = "it failed or completed no checkpoint in time"
    except UnknownState as error:
        raise UnknownState(f"{error}; the savepoint is {savepoint}") from None
    except UserError as error:
        reason = str(error)
    go_back(savepoint)
    raise UpgradeError(f"the new code did not come up ({reason}); the job runs as before, from {savepoint}")


def wait_up(cluster: FlinkCluster, job: str, within_s: float = COME_UP_S) -> bool:
    """Wait until the job has completed a checkpoint. Otherwise cancel it and return False.

    A JobManager that does not respond may be replaced by another one, which has the rest of the time. Raises
    UnknownState if it does not respond to the cancellation either.
    """
    deadline = time.monotonic() + within_s
    while (now := progress(cluster, job)) is Progress.STARTING and time.monotonic() < deadline:
        time.sleep(POLL_S)
    if now is Progress.UP:
        return True
    try:
        cancel(cluster, job)
        while cluster.running(job):
            time.sleep(POLL_S)
    except SubmitError as error:
        raise UnknownState(
            f"the new code did not come up in time, and may still run ({error}): when `depthflow status` shows the "
            "job, wait for its first checkpoint or stop it"
        ) from None
    return False


def progress(cluster: FlinkCluster, job: str) -> Progress:
    """Progress of the newest run of a job; STARTING while the JobManager does not respond."""
    try:
        entries = [entry for entry in cluster.get("/jobs/overview")["jobs"] if entry["name"] == cluster.prefix + job]
        newest = max(entries, key=lambda entry: int(entry["start-time"]), default=None)
        if newest is None:
            return Progress.STARTING
        if newest["state"] in ENDED:
            return Progress.FAILED
        completed = cluster.get(f"/jobs/{newest['jid']}/checkpoints")["counts"]["completed"]
        restarts = cluster.get(f"/jobs/{newest['jid']}/metrics?get=numRestarts")
    except SubmitError:  # a job that is being initialised has neither
        return Progress.STARTING
    return judge(completed, restarts)


def judge(completed: int, restarts: list[dict[str, Any]]) -> Progress:
    """Progress by the number of completed checkpoints and the metric of the restarts."""
    if completed:
        return Progress.UP
    return Progress.FAILED if any(float(metric["value"]) for metric in restarts) else Progress.STARTING
