"""The folder of a stack: refusals and removal."""

from pathlib import Path

import pytest

from stack.services import home, lifecycle
from stack.services.errors import StackError
from stack.services.settings import StackSettings


def test_a_folder_with_other_contents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").touch()
    with pytest.raises(StackError, match="is not empty and is not the folder of a stack"):
        home.create(StackSettings(depthflow_home=tmp_path))


def test_wipe_does_not_touch_a_folder_that_is_not_a_stacks(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").touch()
    assert not lifecycle.down(StackSettings(depthflow_home=tmp_path), wipe=True)
    assert (tmp_path / "letters.txt").exists()


def test_too_little_disk_space_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "FREE_BYTES", 2**60)
    with pytest.raises(StackError, match="GiB free, the stack needs") as error:
        home.create(StackSettings(depthflow_home=tmp_path))
    assert "DEPTHFLOW_HOME" in error.value.remedy


def test_a_path_with_a_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="Flink's scripts cannot work in"):
        home.create(StackSettings(depthflow_home=tmp_path / "my stack"))


def test_a_relative_path_of_a_running_stack_is_not_another_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = StackSettings(depthflow_home=Path("home"))
    home.create(settings)
    home.record(settings)
    lifecycle._refuse_other_settings(settings)
    with pytest.raises(StackError, match="^The stack runs with KAFKA_PORT="):
        lifecycle._refuse_other_settings(settings.model_copy(update={"kafka_port": 1}))
