"""What Flink's REST interface says of the cluster and its jobs."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

from stack.settings import StackSettings


@dataclass(frozen=True)
class Job:
    """One job that the JobManager knows; `duration_ms` since its submission."""

    id: str
    name: str
    state: str
    duration_ms: int
    restarts: int | None


@dataclass(frozen=True)
class TaskManager:
    """One registered TaskManager. Its id is its process name; its data port is another one after each start."""

    id: str
    data_port: int
    slots: int
    free_slots: int

    @property
    def idle(self) -> bool:
        return self.free_slots == self.slots


def get(settings: StackSettings, path: str) -> Any:
    """The JSON answer to a GET; raises OSError where there is none."""
    with urlopen(settings.flink_url + path, timeout=5) as response:
        return json.load(response)


def gateway_info(settings: StackSettings) -> Any:
    """What the SQL gateway says of itself; raises OSError where there is none."""
    with urlopen(f"{settings.gateway_url}/info", timeout=5) as response:
        return json.load(response)


def taskmanagers(settings: StackSettings) -> list[TaskManager]:
    """The registered TaskManagers."""
    found = get(settings, "/taskmanagers")["taskmanagers"]
    return [TaskManager(one["id"], one["dataPort"], one["slotsNumber"], one["freeSlots"]) for one in found]


def jobs(settings: StackSettings) -> list[Job]:
    """Every job since the JobManager started, newest first."""
    found = sorted(get(settings, "/jobs/overview")["jobs"], key=lambda job: -job["start-time"])
    return [Job(job["jid"], job["name"], job["state"], job["duration"], _restarts(settings, job)) for job in found]


def _restarts(settings: StackSettings, job: dict[str, Any]) -> int | None:
    if job["state"] not in ("RUNNING", "RESTARTING", "FAILING", "CREATED"):
        return None
    metrics = get(settings, f"/jobs/{job['jid']}/metrics?get=numRestarts")
    return int(float(metrics[0]["value"])) if metrics else None
