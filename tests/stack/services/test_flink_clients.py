"""Scripts of Flink's clients, with a Java that prints what it is given."""

import subprocess
import zipfile
from pathlib import Path

import pytest

from stack.services import flink_clients, home, jars
from stack.services.flink_home import flink_home, lay_out
from stack.services.java import Java
from stack.services.settings import StackSettings

SQL_GATEWAY = "flink-sql-gateway-2.2.1.jar"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackSettings:
    """A laid out FLINK_HOME in a folder with an apostrophe, with a cache and a Java in folders with spaces."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "the cache"))
    (tmp_path / SQL_GATEWAY).touch()
    monkeypatch.setattr(jars, "flink_lib_jars", list)
    monkeypatch.setattr(jars, "flink_opt_jars", lambda: [tmp_path / SQL_GATEWAY])
    settings = StackSettings(depthflow_home=tmp_path / "o'home")
    home.create(settings)
    java = tmp_path / "the java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text('#!/bin/sh\nprintf "%s\\n" "$FLINK_CONF_DIR" "$FLINK_OPT_DIR" "$@"\n')
    java.chmod(0o755)
    lay_out(settings, Java(java.parent.parent, 17))
    flink_clients.write(settings, Java(java.parent.parent, 17))
    return settings


def run(settings: StackSettings, script: str, **environment: str) -> list[str]:
    command = [flink_home(settings) / "bin" / script, "run", "two words"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_client_is_one_java_command_with_the_options_of_the_configuration(settings: StackSettings) -> None:
    conf, opt, *arguments = run(settings, "flink", JVM_ARGS="-Xmx1g -Da=b")
    folder = flink_home(settings)
    assert (conf, opt) == (f"{folder}/conf", f"{folder}/opt")
    assert arguments[:2] == ["-Xmx1g", "-Da=b"]
    assert {"-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"} < set(arguments)
    assert f"-Dlog.file={settings.home}/logs/flink/flink-client.log" in arguments
    assert arguments[-3:] == ["org.apache.flink.client.cli.CliFrontend", "run", "two words"]


def test_variables_name_another_configuration_and_another_folder_of_logs(settings: StackSettings) -> None:
    conf, _, *arguments = run(settings, "sql-client.sh", FLINK_CONF_DIR="/etc/flink", FLINK_LOG_DIR="/var/log/flink")
    assert conf == "/etc/flink"
    assert "-Dlog.file=/var/log/flink/sql-client.log" in arguments
    assert "-Dlog4j.configurationFile=/etc/flink/log4j-cli.properties" in arguments


def test_only_the_first_runs_list_their_classes(settings: StackSettings) -> None:
    listing = f"-XX:DumpLoadedClassList={settings.home}/classes/client-%p.classlist"
    assert listing in run(settings, "flink")
    for number in range(8):
        (settings.home / "classes" / f"client-{number}.classlist").touch()
    arguments = run(settings, "flink")
    assert listing not in arguments and "" not in arguments


def test_every_jar_is_a_file_and_the_planner_is_one_of_them(settings: StackSettings) -> None:
    paths = [run(settings, each.script) for each in flink_clients.CLIENTS]
    lib, sql = ([Path(jar) for jar in each[each.index("-classpath") + 1].split(":")] for each in paths)
    assert all(jar.is_file() and not jar.is_symlink() for jar in sql)
    assert sql[: len(lib)] == lib  # the archive of the one serves the other
    assert [jar.name for jar in sql[len(lib) :]] == [SQL_GATEWAY, "flink-sql-client-2.2.1.jar"]
    (planner,) = [jar for jar in lib if "planner" in jar.name]
    assert "org/apache/flink/table/planner/delegation/StreamPlanner.class" in zipfile.ZipFile(planner).namelist()
    assert lib[-1].name.startswith("flink-dist-")
