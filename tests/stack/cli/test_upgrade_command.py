"""`depthflow upgrade`: an earlier installation's own command starts the job when the new code does not come up."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs import submit as submission
from jobs import upgrade as upgrading
from jobs.submit import FlinkCluster, SubmitError
from stack.cli import upgrade as command
from stack.cli.main import app
from stack.services.errors import StackError

SAVEPOINT = "file:///state/books/savepoint-1"
VERTICES = {"vertices": [{"parallelism": 1}, {"parallelism": 2}]}
FREE = {"slots-available": 2}
OVERVIEW = {"jobs": [{"jid": "b1", "name": "books", "state": "RUNNING"}]}


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster on which books runs with two slots; it stops, and Flink refuses the new code."""

    def refuse(*arguments: Any) -> None:
        raise SubmitError("Flink refused the job: NameError")

    found = {"/jobs/overview": OVERVIEW, "/jobs/b1": VERTICES, "/overview": FREE}
    monkeypatch.setattr(FlinkCluster, "get", lambda self, path: found[path])
    monkeypatch.setattr(submission, "stop", lambda cluster, job: SAVEPOINT)
    monkeypatch.setattr(command, "prepare_submission", lambda settings: None)
    monkeypatch.setattr(command, "submit", refuse)


def earlier(folder: Path, status: int) -> str:
    """An earlier installation's command, which records its arguments."""
    script = folder / "depthflow"
    script.write_text(f'#!/bin/sh\necho "$@" > {folder}/arguments\necho broken >&2\nexit {status}\n')
    script.chmod(0o755)
    return str(script)


def upgrade(*options: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["upgrade", "books", "--parallelism", "4", *options])
    return result.exit_code, " ".join(result.stderr.split())


@pytest.mark.usefixtures("refused")
def test_the_earlier_command_starts_the_job_with_as_many_slots_as_before(tmp_path: Path) -> None:
    status, text = upgrade("--back-to", earlier(tmp_path, 0))
    assert (tmp_path / "arguments").read_text() == f"submit books --from {SAVEPOINT} --parallelism 2\n"
    assert status == 1
    assert f"did not come up (Flink refused the job: NameError); the job runs as before, from {SAVEPOINT}" in text


def test_taskmanagers_that_do_not_start_again_lead_back(
    refused: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(settings: Any) -> None:
        raise StackError("No TaskManager came back", "Look at its log")

    monkeypatch.setattr(command, "prepare_submission", fail)
    status, text = upgrade("--back-to", earlier(tmp_path, 0))
    assert (tmp_path / "arguments").exists()
    assert status == 1 and "did not come up (No TaskManager came back. Look at its log); the job runs as before" in text


@pytest.mark.usefixtures("refused")
def test_earlier_code_that_does_not_start_either_is_reported(tmp_path: Path) -> None:
    status, text = upgrade("--back-to", earlier(tmp_path, 3))
    assert status == 1 and "the earlier code does not start either, books is stopped: broken" in text


@pytest.mark.usefixtures("refused")
def test_without_an_earlier_command_the_way_back_is_printed() -> None:
    status, text = upgrade()
    assert status == 1 and f"run `depthflow submit books --from {SAVEPOINT} --parallelism 2`" in text


def test_code_that_comes_up_is_reported(refused: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "submit", lambda *arguments: None)
    monkeypatch.setattr(upgrading, "wait_up", lambda *arguments: True)
    assert upgrade() == (0, f"books runs the new code, from {SAVEPOINT}")


def test_a_job_keeps_running_when_its_new_slots_are_missing(refused: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: Any) -> None:
        raise AssertionError("stopped")

    monkeypatch.setattr(submission, "stop", stop)
    monkeypatch.setattr(FlinkCluster, "free_slots", lambda self: 1)
    status, text = upgrade()
    assert status == 1 and "the cluster has 1 free of the 2 slots that this needs" in text
