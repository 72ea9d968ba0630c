"""Preparation of a submission, without a cluster; test_wheel.py restarts real TaskManagers."""

import os
from pathlib import Path

import pytest

from core.settings import Settings
from stack.services import taskmanagers
from stack.services.settings import StackSettings
from stack.services.supervisor import Supervisor
from stack.services.taskmanagers import INSTALLATION, newest_source, prepare_submission, record_installation


@pytest.fixture
def restarted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Homes of the stacks whose TaskManagers were restarted."""
    homes: list[Path] = []

    def restart(settings: StackSettings, newer_than: float) -> None:
        homes.append(settings.home)

    monkeypatch.setattr(Supervisor, "is_alive", lambda self: True)
    monkeypatch.setattr(taskmanagers, "restart_idle_taskmanagers", restart)
    return homes


def test_taskmanagers_of_the_local_stack_are_restarted_for_its_own_cluster_only(
    tmp_path: Path, restarted: list[Path]
) -> None:
    prepare_submission(Settings(depthflow_home=tmp_path, flink_rest_url="http://elsewhere:8081"))
    assert restarted == []
    url = StackSettings(depthflow_home=tmp_path).flink_url
    (tmp_path / "run").mkdir()
    prepare_submission(Settings(depthflow_home=tmp_path, flink_rest_url=url))
    assert restarted == [tmp_path]


def test_the_newest_source_is_that_of_a_package_that_taskmanagers_import(tmp_path: Path) -> None:
    for package, changed in (("core", 100), ("market", 200), ("venues", 400), ("jobs", 300), ("stack", 500)):
        (tmp_path / package).mkdir()
        (tmp_path / package / "module.py").touch()
        os.utime(tmp_path / package / "module.py", (changed, changed))
    assert newest_source(tmp_path) == 400


def test_taskmanagers_are_as_old_as_the_last_change_of_the_installation(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    old, new = tmp_path / "old", tmp_path / "new"
    record_installation(tmp_path, old)
    os.utime(tmp_path / INSTALLATION, (100, 100))
    assert record_installation(tmp_path, old) == 100
    assert record_installation(tmp_path, new) > 100
    os.utime(tmp_path / INSTALLATION, (200, 200))
    assert record_installation(tmp_path, new) == 200
    assert record_installation(tmp_path, old) > 200, "the way back changes it as well"
