"""Submission and stop of jobs, without a cluster."""

import os
import sys
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from typer.testing import CliRunner

from core.settings import Settings
from jobs.cli import app
from jobs.submit import (
    TASKS_STARTING,
    FlinkCluster,
    StateNotRestored,
    SubmitError,
    cancel,
    newest_state,
    require_slots,
    require_startable,
    run,
    run_command,
    stop,
)

NOW_S = 1_700_000_000
STOPPING = "/jobs/b1/savepoints/r1"


def cluster(state: str = "file:///state", url: str = "http://localhost:8081") -> FlinkCluster:
    return FlinkCluster(Path("flink"), url, state, "test.")


class StubbedCluster(FlinkCluster):
    """A cluster with fixed responses of its REST API."""

    def get(self, path: str) -> Any:
        jobs = [
            {"jid": "b1", "name": "test.books", "state": "RUNNING"},
            {"jid": "b0", "name": "test.books", "state": "FAILED"},
        ]
        failed = {"failure-cause": {"stack-trace": "x.Outer: no\n  at x\nCaused by: java.io.IOException: disk full"}}
        stopping = {"status": {"id": "COMPLETED"}, "operation": failed}
        responses = {"/jobs/overview": {"jobs": jobs}, "/overview": {"slots-available": 0}, STOPPING: stopping}
        return responses[path]

    def post(self, path: str, **body: Any) -> Any:
        assert (path, body) == ("/jobs/b1/stop", {"targetDirectory": "file:///state/test.books", "drain": False})
        return {"request-id": "r1"}


STUBBED = StubbedCluster(Path("flink"), "http://localhost:8081", "file:///state", "test.")


def state(folder: Path, name: str, age: int) -> None:
    (folder / name).mkdir(parents=True)
    metadata = folder / name / "_metadata"
    metadata.touch()
    os.utime(metadata, (NOW_S - age, NOW_S - age))


def test_the_command_is_a_plain_flink_run() -> None:
    command = run_command(cluster(), "books", ["--parallelism=2"], None)
    assert command[:6] == ["flink/bin/flink", "run", "--detached", "--jobmanager", "localhost:8081", command[5]]
    assert "-Dexecution.checkpointing.dir=file:///state/test.books" in command
    assert command[-2] == "--python" and command[-1].endswith("jobs/books.py")
    root = command[-1].removesuffix("/jobs/books.py")
    assert command[-4:-2] == [f"-Dpython.client.executable={sys.executable}", f"-Dpython.pythonpath={root}"]


def test_a_job_resumes_from_its_newest_checkpoint_or_savepoint(tmp_path: Path) -> None:
    state(tmp_path / "test.books" / "job", "chk-7", age=20)
    state(tmp_path / "test.books", "savepoint-1", age=10)
    state(tmp_path / "test.analytics", "savepoint-2", age=0)
    newest = newest_state(cluster(tmp_path.as_uri()), "books")
    assert newest == (tmp_path / "test.books" / "savepoint-1").as_uri()
    assert ["-s", newest] == run_command(cluster(), "books", [], newest)[7:9]


def test_a_job_without_saved_state_starts_without_state(tmp_path: Path) -> None:
    assert newest_state(cluster(tmp_path.as_uri()), "books") is None


@pytest.mark.parametrize("scheme", ["s3", "gs", "hdfs"])
def test_state_that_cannot_be_listed_is_refused_without_a_name(
    monkeypatch: pytest.MonkeyPatch, scheme: str, tmp_path: Path
) -> None:
    """Without this, the job would silently start from the beginning."""
    url = f"{scheme}://bucket/state"
    monkeypatch.setattr("jobs.submit.require_startable", lambda *_: None)
    started: list[list[str]] = []
    monkeypatch.setattr("jobs.submit.run", lambda command, _: started.append(command) or "Job has been submitted")
    monkeypatch.setattr("jobs.transactions.abort_open", lambda *_: 0)
    monkeypatch.setenv("FLINK_STATE_URL", url)
    refused = CliRunner().invoke(app, ["submit", "books"])
    assert isinstance(refused.exception, SubmitError) and not started
    for text in (f"{url}/books", "cannot list", "--from", "--fresh"):
        assert text in str(refused.exception)
    named = CliRunner().invoke(app, ["submit", "books", "--from", f"{url}/books/savepoint-1"])
    fresh = CliRunner().invoke(app, ["submit", "books", "--fresh"])
    assert named.exit_code == fresh.exit_code == 0
    assert ["-s" in command for command in started] == [True, False]


def test_the_path_of_the_resumed_state_is_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    state_url = "file:///" + "/".join(f"a-folder-with-a-long-name-{number}" for number in range(20))
    monkeypatch.setattr("jobs.submit.require_startable", lambda *_: None)
    monkeypatch.setattr("jobs.submit.run", lambda *_: f"noise\nJob has been submitted with JobID {'0' * 90}")
    shown = CliRunner().invoke(app, ["submit", "books", "--from", state_url], env={"COLUMNS": "80"})
    assert f"resumed from {state_url}\n" in shown.output


def test_a_running_job_is_refused_with_its_id() -> None:
    with pytest.raises(SubmitError, match="job books is already running as b1: `depthflow stop books` stops it"):
        require_startable(STUBBED, "books")


def test_an_unknown_job_is_refused_with_the_known_names() -> None:
    with pytest.raises(SubmitError, match="unknown job 'x'; expected one of books, options, alerts, analytics, cache"):
        require_startable(STUBBED, "x")


def test_a_full_cluster_is_refused() -> None:
    with pytest.raises(SubmitError, match="no free slot: stop a job, or raise FLINK_TASKMANAGERS"):
        require_startable(STUBBED, "analytics")


def test_a_job_of_more_slots_than_are_free_is_refused_before_it_is_submitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flink accepts it, and waits for slots until the submission times out."""
    monkeypatch.setattr(StubbedCluster, "free_slots", lambda self: 1)
    monkeypatch.setattr(FlinkCluster, "of", lambda settings: STUBBED)
    monkeypatch.setattr("jobs.submit.run", lambda *_: pytest.fail("submitted"))
    refused = CliRunner().invoke(app, ["submit", "analytics", "--parallelism", "2"])
    assert isinstance(refused.exception, SubmitError)
    assert "has 1 free of the 2 slots that this needs: stop a job, or raise FLINK_TASKMANAGERS" in str(
        refused.exception
    )


def test_a_cluster_with_too_few_slots_is_refused_with_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StubbedCluster, "free_slots", lambda self: 2)
    require_slots(STUBBED, 2)
    with pytest.raises(SubmitError, match="has 2 free of the 3 slots that this needs: stop a job, or raise FLINK_TASK"):
        require_slots(STUBBED, 3)


def test_a_failed_stop_reports_the_cause_and_that_the_job_is_running() -> None:
    text = "Flink did not stop the job, which is still running:\n  Caused by: java.io.IOException: disk full"
    with pytest.raises(SubmitError, match=text):
        stop(STUBBED, "books")


def test_a_stop_is_repeated_while_tasks_are_starting() -> None:
    starting = {"failure-cause": {"stack-trace": f"Caused by: CheckpointException: {TASKS_STARTING}."}}
    operations = [starting, starting, {"location": "file:///state/savepoint-1"}]

    class Starting(StubbedCluster):
        def get(self, path: str) -> Any:
            if path != STOPPING:
                return super().get(path)
            return {"status": {"id": "COMPLETED"}, "operation": operations.pop(0)}

    starting_cluster = Starting(Path("flink"), "http://localhost:8081", "file:///state", "test.")
    assert stop(starting_cluster, "books") == "file:///state/savepoint-1" and not operations


def test_a_job_that_is_not_running_cannot_be_stopped() -> None:
    with pytest.raises(SubmitError, match="job cache is not running: `depthflow status` lists the running jobs"):
        stop(STUBBED, "cache")


def test_an_absent_cluster_is_named_with_the_remedy() -> None:
    settings = Settings(flink_rest_url="http://127.0.0.1:1")
    with pytest.raises(SubmitError, match="no Flink cluster responds at http://127.0.0.1:1 .*depthflow up"):
        FlinkCluster.of(settings).free_slots()


def test_a_failed_command_reports_its_last_causes() -> None:
    with pytest.raises(SubmitError, match="Flink refused the job:\n  Caused by: no such topic"):
        run(["sh", "-c", "echo noise; echo 'Caused by: no such topic' >&2; exit 1"], Settings())


def test_state_without_an_operator_is_an_error_unless_it_is_allowed() -> None:
    assert "--allowNonRestoredState" not in run_command(cluster(), "books", [], "file:///state/savepoint-1")
    allowed = run_command(cluster(), "books", [], "file:///state/savepoint-1", allow_non_restored=True)
    assert ["-s", "file:///state/savepoint-1", "--allowNonRestoredState"] == allowed[7:10]
    assert "--allowNonRestoredState" not in run_command(cluster(), "books", [], None, allow_non_restored=True)


def test_state_that_is_not_restored_is_reported_with_its_cause_and_both_remedies() -> None:
    reason = "Cannot map checkpoint/savepoint state for operator 77fe to the new program"
    script = f"echo 'Caused by: java.lang.IllegalStateException: {reason}, because' >&2; exit 1"
    with pytest.raises(StateNotRestored, match="a uid was renamed or the SQL plan changed") as caught:
        run(["sh", "-c", script], Settings())
    for text in ("--allow-non-restored-state", "--fresh", "analytics has no state of its own", reason):
        assert text in str(caught.value)


def test_a_cluster_without_a_leader_is_recovering(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaderless(*_: object, **__: object) -> None:
        raise HTTPError("http://x", 503, "Service Unavailable", None, BytesIO())  # type: ignore[arg-type]

    monkeypatch.setattr("jobs.submit.urlopen", leaderless)
    with pytest.raises(SubmitError, match="is recovering, no JobManager is leader: try again in some seconds"):
        require_startable(cluster(), "books")


def test_a_job_that_cannot_be_cancelled_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object, **__: object) -> None:
        raise HTTPError("http://x", 409, "Conflict", None, BytesIO())  # type: ignore[arg-type]

    monkeypatch.setattr(FlinkCluster, "running", lambda self, job: ["b1"])
    monkeypatch.setattr("jobs.submit.urlopen", ended)
    with pytest.raises(SubmitError, match="HTTP Error 409: Conflict"):
        cancel(cluster(), "books")
