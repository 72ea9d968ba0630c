import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from jobs.submit import Cluster, SubmitError, newest_state, require_startable, run, run_command, stop
from market.settings import Settings

NOW_S = 1_700_000_000
STOPPING = "/jobs/b1/savepoints/r1"


def cluster(state: str = "file:///state", url: str = "http://localhost:8081") -> Cluster:
    return Cluster(Path("flink"), url, state, "desk.")


class Answering(Cluster):
    """A cluster whose REST API says what the test wants."""

    def get(self, path: str) -> Any:
        jobs = [
            {"jid": "b1", "name": "desk.books", "state": "RUNNING"},
            {"jid": "b0", "name": "desk.books", "state": "FAILED"},
        ]
        failed = {"failure-cause": {"stack-trace": "x.Outer: no\n  at x\nCaused by: java.io.IOException: disk full"}}
        stopping = {"status": {"id": "COMPLETED"}, "operation": failed}
        answers = {"/jobs/overview": {"jobs": jobs}, "/overview": {"slots-available": 0}, STOPPING: stopping}
        return answers[path]

    def post(self, path: str, **body: Any) -> Any:
        assert (path, body) == ("/jobs/b1/stop", {"targetDirectory": "file:///state/desk.books", "drain": False})
        return {"request-id": "r1"}


ANSWERING = Answering(Path("flink"), "http://localhost:8081", "file:///state", "desk.")


def state(folder: Path, name: str, age: int) -> None:
    (folder / name).mkdir(parents=True)
    metadata = folder / name / "_metadata"
    metadata.touch()
    os.utime(metadata, (NOW_S - age, NOW_S - age))


def test_the_command_is_what_one_would_type() -> None:
    command = run_command(cluster(), "books", ["--parallelism=2"], None)
    assert command[:6] == ["flink/bin/flink", "run", "--detached", "--jobmanager", "localhost:8081", command[5]]
    assert "-Dexecution.checkpointing.dir=file:///state/desk.books" in command
    assert command[-2] == "--python" and command[-1].endswith("jobs/books.py")


def test_analytics_is_not_submitted_in_thread_mode() -> None:
    """Its database may be away while a TaskManager starts Python, and a thread's start must not be interrupted."""
    result = CliRunner().invoke(app, ["submit", "analytics", "--mode", "thread"])
    assert result.exit_code == 2
    assert "analytics runs Python in processes only" in result.output


def test_a_job_resumes_from_its_newest_checkpoint_or_savepoint(tmp_path: Path) -> None:
    state(tmp_path / "desk.books" / "job", "chk-7", age=20)
    state(tmp_path / "desk.books", "savepoint-1", age=10)
    state(tmp_path / "desk.analytics", "savepoint-2", age=0)
    newest = newest_state(cluster(tmp_path.as_uri()), "books")
    assert newest == (tmp_path / "desk.books" / "savepoint-1").as_uri()
    assert ["-s", newest] == run_command(cluster(), "books", [], newest)[7:9]


def test_a_job_that_left_no_state_starts_from_the_beginning(tmp_path: Path) -> None:
    assert newest_state(cluster(tmp_path.as_uri()), "books") is None


def test_a_running_job_is_refused_by_name() -> None:
    with pytest.raises(SubmitError, match="the job books runs already as b1: `depthflow stop books` stops it"):
        require_startable(ANSWERING, "books")


def test_a_full_cluster_is_refused() -> None:
    with pytest.raises(SubmitError, match="no free slot: stop a job, or raise FLINK_TASKMANAGERS"):
        require_startable(ANSWERING, "analytics")


def test_a_stop_that_fails_says_why_and_that_the_job_goes_on() -> None:
    said = "Flink did not stop the job, which goes on:\n  Caused by: java.io.IOException: disk full"
    with pytest.raises(SubmitError, match=said):
        stop(ANSWERING, "books")


def test_a_job_that_does_not_run_cannot_be_stopped() -> None:
    with pytest.raises(SubmitError, match="the job cache does not run: `depthflow status` shows what does"):
        stop(ANSWERING, "cache")


def test_an_absent_cluster_is_named_with_the_mend() -> None:
    settings = Settings(flink_rest_url="http://127.0.0.1:1")
    with pytest.raises(SubmitError, match="no Flink cluster answers at http://127.0.0.1:1 .*depthflow up"):
        Cluster.of(settings).free_slots()


def test_a_failed_command_says_its_last_causes() -> None:
    with pytest.raises(SubmitError, match="Flink refused the job:\n  Caused by: no such topic"):
        run(["sh", "-c", "echo noise; echo 'Caused by: no such topic' >&2; exit 1"], Settings())
