from pathlib import Path

import pytest

from stack import home, lifecycle
from stack.errors import StackError
from stack.settings import StackSettings


def test_a_folder_that_holds_other_things_is_not_made_a_home(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    with pytest.raises(StackError, match="not empty and not a depthflow stack's"):
        home.make(StackSettings(depthflow_home=tmp_path))


def test_wiping_leaves_a_folder_alone_that_is_no_home(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    assert not lifecycle.down(StackSettings(depthflow_home=tmp_path), wipe=True)
    assert (tmp_path / "letters").exists()


def test_too_little_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "FREE_BYTES", 2**60)
    with pytest.raises(StackError, match="GiB free, the stack wants") as error:
        home.make(StackSettings(depthflow_home=tmp_path))
    assert "DEPTHFLOW_HOME" in error.value.mend


def test_a_path_with_a_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="Flink's scripts cannot work in"):
        home.make(StackSettings(depthflow_home=tmp_path / "my stack"))
