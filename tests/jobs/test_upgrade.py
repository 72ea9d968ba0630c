"""Order of the steps of an upgrade, and the state in which each failure leaves the job."""

import pytest

from jobs.submit import SubmitError
from jobs.upgrade import Progress, UpgradeError, judge, upgrade

SAVEPOINT = "file:///state/books/savepoint-1"


class Steps:
    """Records the steps of an upgrade. `refused`: the new code is refused at its submission; `up`: it comes up."""

    def __init__(self, up: bool = True, refused: bool = False) -> None:
        self.taken: list[str] = []
        self._up, self._refused = up, refused

    def stop(self) -> str:
        self.taken.append("stop")
        return SAVEPOINT

    def start(self, savepoint: str) -> None:
        self.taken.append(f"start {savepoint}")
        if self._refused:
            raise SubmitError("Flink refused the job: NameError")

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


def test_code_that_flink_refuses_is_replaced_by_the_earlier_one() -> None:
    steps = Steps(refused=True)
    with pytest.raises(UpgradeError, match="NameError.*runs as before"):
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
