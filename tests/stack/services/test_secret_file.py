"""Files that only their owner can read."""

import os
from pathlib import Path

import pytest

from stack.services.secret_file import write_secret


def test_a_secret_is_its_owners_alone_also_in_a_file_that_others_could_read(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("a longer text from before")
    old.chmod(0o644)
    for path in (new, old):
        write_secret(path, "secret\n")
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("secret\n", 0o600)
    assert sorted(tmp_path.iterdir()) == [new, old]


def test_an_interrupted_write_leaves_the_secret_from_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    write_secret(path, "before")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_secret(path, "after")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["before"]
