"""Order of the steps of an upgrade, and the state in which each failure leaves the job."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import UserError
from jobs import upgrade as upgrading
from jobs.submit import FlinkCluster, SubmitError
from jobs.upgrade import Progress, UnknownState, UpgradeError, judge, progress, upgrade, wait_up

SAVEPOINT = "file:///state/books/savepoint-1"
CLUSTER = FlinkCluster(Path(), "http://127.0.0.1:1", "file:///state", "")


class Steps:
    """Records the steps of an upgrade. `refused`: the error of the new code's submission; `up`: it comes up."""

    def __init__(self, up: bool = True, refused: UserError | None = None) -> None:
        self.taken: list[str] = []
        self._up, self._refused = up, refused

    def stop(self) -> str:
        self.taken.append("stop")
        return SAVEPOINT

    def start(self, savepoint: str) -> None:
        self.taken.append(f"start {savepoint}")
        if self._refused:
            raise self._refused

    def wait_up(self) -> bool:
        self.taken.append("wait")
        return self._up

    def go_back(self, savepoint: str) -> None:
        self.taken.append(f"back {savepoint}")

    def run(self) -> str:
        return upgrade(self.stop, self.start, self.wait_up, self.go_back)


def test_new_code_goes_on_from_the_savepoint() -> None:
    steps = Steps()
    assert steps.run() == SAVEPOINT
    assert steps.taken == ["stop", f"start {SAVEPOINT}", "wait"]


def test_code_that_does_not_come_up_is_replaced_by_the_earlier_one() -> None:
    steps = Steps(up=False)
    with pytest.raises(UpgradeError, match=f"completed no checkpoint in time.*runs as before, from {SAVEPOINT}"):
        steps.run()
    assert steps.taken[-1] == f"back {SAVEPOINT}"


@pytest.mark.parametrize("error", [SubmitError("Flink refused the job"), UserError("Flink is not ready")])
def test_code_that_cannot_be_submitted_is_replaced_by_the_earlier_one(error: UserError) -> None:
    steps = Steps(refused=error)
    with pytest.raises(UpgradeError, match=f"{error}.*runs as before"):
        steps.run()
    assert steps.taken == ["stop", f"start {SAVEPOINT}", f"back {SAVEPOINT}"]


@pytest.mark.parametrize(
    ("completed", "restarts", "expected"),
    [
        (0, [], Progress.STARTING),
        (0, [{"id": "numRestarts", "value": "0"}], Progress.STARTING),
        (0, [{"id": "numRestarts", "value": "1"}], Progress.FAILED),
        (1, [{"id": "numRestarts", "value": "1"}], Progress.UP),
    ],
)
def test_a_job_is_up_when_it_has_completed_a_checkpoint(
    completed: int, restarts: list[dict[str, str]], expected: Progress
) -> None:
    assert judge(completed, restarts) is expected


def test_a_jobmanager_that_does_not_respond_may_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [
        SubmitError("Flink does not respond"),
        SubmitError("no JobManager is leader"),
        {"jobs": [{"jid": "b1", "name": "books", "state": "RUNNING", "start-time": 1}]},
        {"counts": {"completed": 1}},
        [],
    ]

    def get(cluster: FlinkCluster, path: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, SubmitError):
            raise answer
        return answer

    monkeypatch.setattr(upgrading, "POLL_S", 0)
    monkeypatch.setattr(FlinkCluster, "get", get)
    assert wait_up(CLUSTER, "books") and not answers


def test_a_jobmanager_that_never_responds_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(cluster: FlinkCluster, path: str) -> None:
        raise SubmitError("Flink does not respond")

    monkeypatch.setattr(FlinkCluster, "get", silent)
    assert progress(CLUSTER, "books") is Progress.STARTING
    with pytest.raises(UnknownState) as error:
        wait_up(CLUSTER, "books", within_s=0)
    assert str(error.value) == (
        "the new code did not come up in time, and may still run (Flink does not respond): when `depthflow status` "
        "shows the job, wait for its first checkpoint or stop it"
    )


def test_the_earlier_code_is_not_started_beside_a_job_that_may_run() -> None:
    went_back = list[str]()

    def unknown() -> bool:
        raise UnknownState("it may still run")

    with pytest.raises(UnknownState, match=f"^it may still run; the savepoint is {SAVEPOINT}$"):
        upgrade(lambda: SAVEPOINT, lambda savepoint: None, unknown, went_back.append)
    assert went_back == []
