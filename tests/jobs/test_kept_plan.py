"""Files of compiled plans beside the state of their jobs."""

from pathlib import Path

import pytest

from jobs.kept_plan import file_of_state, keep, read

STATE = "file:///state/analytics"
JOB, EARLIER = "0a1b2c" + 26 * "0", "3d4e5f" + 26 * "0"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (f"{STATE}/savepoint-0a1b2c-d3e4f5a6b7c8", f"{STATE}/plan-0a1b2c.json"),
        (f"{STATE}/0a1b2c{'0' * 26}/chk-12", f"{STATE}/plan-0a1b2c.json"),
        ("", ""),
        ("file:///elsewhere/copy", ""),
    ],
)
def test_a_plan_is_kept_beside_the_state_of_its_job(state: str, expected: str) -> None:
    assert file_of_state(state) == expected


def plans(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("plan-*")}


def test_a_plan_is_found_by_a_checkpoint_and_by_a_savepoint_elsewhere(tmp_path: Path) -> None:
    checkpoints, savepoints = tmp_path / "checkpoints", tmp_path / "savepoints"
    keep([checkpoints.as_uri(), savepoints.as_uri()], JOB, {"sql": "1"})
    assert read(f"{checkpoints.as_uri()}/{JOB}/chk-7") == {"sql": "1"}
    assert read(f"{savepoints.as_uri()}/savepoint-{JOB[:6]}-d3e4f5a6b7c8") == {"sql": "1"}
    assert read(f"{savepoints.as_uri()}/savepoint-{EARLIER[:6]}-d3e4f5a6b7c8") is None


@pytest.mark.parametrize("state", [f"{EARLIER}/chk-3", f"savepoint-{EARLIER[:6]}-d3e4f5a6b7c8"])
def test_a_plan_stays_as_long_as_its_state(tmp_path: Path, state: str) -> None:
    folder, left = [tmp_path.as_uri()], tmp_path / EARLIER / "shared"
    keep(folder, EARLIER, {})
    left.mkdir(parents=True)
    (tmp_path / state).mkdir()
    keep(folder, JOB, {})
    assert plans(tmp_path) == {f"plan-{EARLIER[:6]}.json", f"plan-{JOB[:6]}.json"}
    (tmp_path / state).rmdir()
    keep(folder, JOB, {})
    assert plans(tmp_path) == {f"plan-{JOB[:6]}.json"}


def test_a_job_without_folders_keeps_nothing() -> None:
    keep(["", ""], JOB, {})
