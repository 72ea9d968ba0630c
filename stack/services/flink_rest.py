"""Cluster and jobs, as Flink's REST interface reports them."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from stack.services.settings import StackSettings

NAME_WIDTH = 40
FLINK_RESPONDS_WITHIN_S = 30  # a JobManager on full cores takes over ten
CHECKPOINT = "its newest checkpoint to be read"
SLOTS = "free slots of TaskManagers"
LEADERLESS = 503  # status of a response while no JobManager is leader


@dataclass(frozen=True)
class Job:
    """One job of the JobManager. `duration_ms` counts from its submission."""

    id: str
    name: str
    state: str
    duration_ms: int
    restarts: int | None
    waits_for: str = ""  # empty for a job that runs or has ended

    @property
    def short_name(self) -> str:
        """First line of the name, shortened: the name of a query is its whole text."""
        line = self.name.partition("\n")[0]
        return line if len(line) <= NAME_WIDTH else f"{line[: NAME_WIDTH - 1]}…"


@dataclass(frozen=True)
class TaskManager:
    """One registered TaskManager. Its id is its process name; its data port differs after each start."""

    id: str
    data_port: int
    slots: int
    free_slots: int

    @property
    def idle(self) -> bool:
        return self.free_slots == self.slots


def get(settings: StackSettings, path: str) -> Any:
    """JSON response to a GET. Raises OSError when there is none."""
    with urlopen(settings.flink_url + path, timeout=FLINK_RESPONDS_WITHIN_S) as response:
        return json.load(response)


def gateway_info(settings: StackSettings) -> Any:
    """Version of the SQL gateway. Raises OSError when the gateway does not respond."""
    with urlopen(f"{settings.gateway_url}/info", timeout=FLINK_RESPONDS_WITHIN_S) as response:
        return json.load(response)


def taskmanagers(settings: StackSettings) -> list[TaskManager]:
    """The registered TaskManagers."""
    entries = get(settings, "/taskmanagers")["taskmanagers"]
    return [TaskManager(entry["id"], entry["dataPort"], entry["slotsNumber"], entry["freeSlots"]) for entry in entries]


def jobs(settings: StackSettings) -> list[Job]:
    """Every job since the JobManager started, newest first."""
    entries = sorted(get(settings, "/jobs/overview")["jobs"], key=lambda job: -job["start-time"])
    return [
        Job(job["jid"], job["name"], job["state"], job["duration"], _restarts(settings, job), waits_for(job))
        for job in entries
    ]


def plan(settings: StackSettings, job: Job) -> str:
    """The job's plan as JSON text."""
    return json.dumps(get(settings, f"/jobs/{job.id}/plan"))


def cancel(settings: StackSettings, job: Job) -> None:
    """Cancel a job without a savepoint."""
    urlopen(Request(f"{settings.flink_url}/jobs/{job.id}", method="PATCH"), timeout=FLINK_RESPONDS_WITHIN_S).close()


def is_complete(settings: StackSettings) -> bool:
    """True if a JobManager is leader and every TaskManager has registered. Raises OSError if there is no leader."""
    get(settings, "/jobs/overview")
    return len(taskmanagers(settings)) >= settings.flink_taskmanagers


def cluster_waits_for(settings: StackSettings) -> str:
    """Condition for which the cluster waits before it can run jobs; empty if there is none."""
    try:
        get(settings, "/jobs/overview")
        registered = len(taskmanagers(settings))
    except HTTPError as error:
        if error.code != LEADERLESS:
            raise
        return "the session of an earlier JobManager to end; then the jobs go on from their newest checkpoints"
    except OSError:
        return "the JobManager to start"
    missing = settings.flink_taskmanagers - registered
    return f"{missing} of {settings.flink_taskmanagers} TaskManagers to register" if missing > 0 else ""


def waits_for(job: dict[str, Any]) -> str:
    """Condition for which a job waits before it processes records; empty if there is none. `job`: an overview entry."""
    tasks = job["tasks"]
    if job["state"] == "INITIALIZING":
        return CHECKPOINT
    if job["state"] == "RESTARTING":
        return "its next attempt"
    if job["state"] not in ("CREATED", "RUNNING"):
        return ""
    if tasks.get("scheduled", 0) or tasks.get("created", 0) or not tasks["total"]:
        return SLOTS
    starting = tasks.get("deploying", 0) + tasks.get("initializing", 0)
    return f"{starting} of {tasks['total']} tasks to start" if starting else ""


def _restarts(settings: StackSettings, job: dict[str, Any]) -> int | None:
    if job["state"] not in ("RUNNING", "RESTARTING", "FAILING", "CREATED"):
        return None
    metrics = get(settings, f"/jobs/{job['jid']}/metrics?get=numRestarts")
    return int(float(metrics[0]["value"])) if metrics else None
