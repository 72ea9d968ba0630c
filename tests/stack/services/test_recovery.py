"""Recovery of jobs without a cluster: the record of running jobs, and what a cluster and its jobs wait for."""

from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from core.settings import Settings
from stack.services import flink_rest, home, recovery, taskmanagers, zookeeper
from stack.services.errors import StackError
from stack.services.flink_rest import Job, cluster_waits_for, waits_for
from stack.services.settings import StackSettings
from stack.services.status import StackStatus
from stack.services.status_tables import tables
from stack.services.supervisor import Process, Supervisor
from tests.rendering import rendered


def entry(state: str, **tasks: int) -> dict[str, Any]:
    return {"state": state, "tasks": {"total": 4} | tasks}


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (entry("INITIALIZING"), "its newest checkpoint to be read"),
        (entry("RUNNING", scheduled=4), "free slots of TaskManagers"),
        (entry("RUNNING", deploying=1, initializing=2, running=1), "3 of 4 tasks to start"),
        (entry("RESTARTING"), "its next attempt"),
        (entry("RUNNING", running=4), ""),
        (entry("RUNNING", running=3, finished=1), ""),
        (entry("CANCELED", canceled=4), ""),
    ],
)
def test_the_tasks_of_a_job_show_what_it_waits_for(job: dict[str, Any], expected: str) -> None:
    assert waits_for(job) == expected


def respond(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None, taskmanagers: int = 6) -> None:
    def get(settings: StackSettings, path: str) -> Any:
        if error:
            raise error
        one = {"dataPort": 1, "slotsNumber": 1, "freeSlots": 1}
        return {"jobs": [], "taskmanagers": [{"id": f"taskmanager-{n}"} | one for n in range(taskmanagers)]}

    monkeypatch.setattr(flink_rest, "get", get)


def leaderless() -> HTTPError:
    return HTTPError("http://x", 503, "Service Unavailable", None, BytesIO())  # type: ignore[arg-type]


def test_a_cluster_waits_for_its_jobmanager_then_for_leadership_then_for_taskmanagers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    respond(monkeypatch, URLError("refused"))
    assert cluster_waits_for(StackSettings()) == "the JobManager to start"
    respond(monkeypatch, leaderless())
    assert cluster_waits_for(StackSettings()).startswith("the session of an earlier JobManager to end")
    respond(monkeypatch, taskmanagers=2)
    assert cluster_waits_for(StackSettings()) == "4 of 6 TaskManagers to register"
    respond(monkeypatch)
    assert cluster_waits_for(StackSettings()) == ""


def test_status_shows_what_the_cluster_and_its_jobs_wait_for() -> None:
    process = Process("jobmanager", "RUNNING", 1, 0, "")
    job = Job("id", "books", "RUNNING", 1000, 0, "free slots of TaskManagers")
    found = rendered(
        *tables(StackStatus(StackSettings(), [process], {}, ["flink"], [job], [], "the JobManager to start"))
    )
    assert "Flink waits for the JobManager to start." in found and "flink does not respond" not in found
    assert "books waits for free slots of TaskManagers." in found


def test_a_submission_while_no_jobmanager_is_leader_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    respond(monkeypatch, leaderless())
    monkeypatch.setattr(Supervisor, "is_alive", lambda self: True)
    monkeypatch.setattr(Supervisor, "processes", lambda self: [])
    home.create(StackSettings(depthflow_home=tmp_path))
    url = StackSettings(depthflow_home=tmp_path).flink_url
    with pytest.raises(StackError, match="Flink is not ready: it waits for the session of an earlier JobManager"):
        taskmanagers.prepare_submission(Settings(depthflow_home=tmp_path, flink_rest_url=url))


def test_forgetting_the_running_jobs_keeps_their_checkpoints(tmp_path: Path) -> None:
    home.create(StackSettings(depthflow_home=tmp_path))
    folders = [zookeeper.data_folder(tmp_path), zookeeper.storage_folder(tmp_path), tmp_path / "checkpoints" / "books"]
    for folder in folders:
        folder.mkdir()
    recovery.forget(tmp_path)
    assert [folder.exists() for folder in folders] == [False, False, True]


def test_zookeeper_listens_on_loopback_only_and_ends_sessions_within_seconds(tmp_path: Path) -> None:
    settings = StackSettings(depthflow_home=tmp_path)
    server, client = zookeeper.server_properties(settings), zookeeper.client_keys(settings)
    assert server["clientPortAddress"] == "127.0.0.1" and server["admin.enableServer"] == "false"
    assert client["high-availability.zookeeper.client.session-timeout"] == f"{zookeeper.SESSION_S}s"
    assert int(server["maxSessionTimeout"]) == zookeeper.SESSION_S * 1000 <= 10_000
