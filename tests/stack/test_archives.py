from pathlib import Path

import pytest

from stack import archives, home
from stack.archives import archive_flags, keep_archives
from stack.java import Java
from stack.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = StackSettings(depthflow_home=tmp_path / "home")
    home.make(made)
    return made


@pytest.fixture
def java(tmp_path: Path) -> Java:
    base = tmp_path / "java" / "lib" / "server" / "classes.jsa"
    base.parent.mkdir(parents=True)
    base.touch()
    return Java(tmp_path / "java", 17, "17.0.15+6")


def written(flags: list[str]) -> Path:
    return Path(flags[0].removeprefix("-XX:ArchiveClassesAtExit="))


def test_the_first_run_writes_what_the_next_one_uses(settings: StackSettings, java: Java) -> None:
    archive = written(archive_flags(settings, java, "kafka", "a.jar"))
    archive.write_bytes(archives.MAGIC + b"classes")
    keep_archives(settings)
    used = Path(archive_flags(settings, java, "kafka", "a.jar")[0].removeprefix("-XX:SharedArchiveFile="))
    assert used.read_bytes() == archives.MAGIC + b"classes" and not archive.exists()


def test_an_unfinished_archive_is_thrown_away(settings: StackSettings, java: Java) -> None:
    archive = written(archive_flags(settings, java, "kafka", "a.jar"))
    archive.write_bytes(bytes(100))
    keep_archives(settings)
    assert written(archive_flags(settings, java, "kafka", "a.jar")) == archive and not archive.exists()


def test_other_jars_and_another_build_have_archives_of_their_own(settings: StackSettings, java: Java) -> None:
    other = Java(java.home, 17, "17.0.16+8")
    places = {written(archive_flags(settings, which, "kafka", jars)) for which in (java, other) for jars in ("a", "b")}
    assert len(places) == 4


def test_one_of_several_processes_writes(settings: StackSettings, java: Java) -> None:
    assert archive_flags(settings, java, "taskmanager", "a.jar", writes=False) == []


def test_a_java_without_its_own_archive_gets_none(settings: StackSettings, tmp_path: Path) -> None:
    assert archive_flags(settings, Java(tmp_path, 17), "kafka", "a.jar") == []
