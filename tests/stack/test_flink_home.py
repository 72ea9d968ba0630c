from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.flink_home import flatten, flink_package, lay_out, render_config
from stack.java import Java
from stack.settings import ROOT, StackSettings
from tests.conftest import stack_settings

JAVA = Java(Path("/opt/java 17"), 17)


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return stack_settings(tmp_path)


@pytest.fixture
def config(settings: StackSettings) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(render_config(settings, JAVA))
    return loaded


def test_keys_of_the_package_the_project_and_the_stack_end_up_in_one_file(
    config: dict[str, Any], settings: StackSettings
) -> None:
    assert config["jobmanager.execution.failover-strategy"] == "region"
    assert config["python.execution-mode"] == "thread"
    assert config["rest.port"] == settings.flink_port
    assert config["env.java.home"] == "/opt/java 17"
    assert config["execution.checkpointing.dir"] == f"file://{settings.home}/checkpoints"


def test_flinks_own_java_options_survive_the_time_zone(config: dict[str, Any]) -> None:
    assert "--add-opens=java.base/java.lang=ALL-UNNAMED" in config["env.java.opts.all"]
    assert "-Duser.timezone=UTC" in config["env.java.opts.taskmanager"].split()


def test_nothing_listens_beyond_this_machine(config: dict[str, Any]) -> None:
    hosts = {key: value for key, value in config.items() if key.endswith(("bind-host", "bind-address", ".host"))}
    assert hosts and set(hosts.values()) == {"127.0.0.1"}


def test_production_carries_the_java_options_that_the_package_ships() -> None:
    shipped = flatten(yaml.safe_load((flink_package() / "conf" / "config.yaml").read_text()))
    production = yaml.safe_load((ROOT / "flink-conf" / "production.yaml").read_text())
    assert production["env.java.default-opts.all"].split() == shipped["env.java.opts.all"].split()


def test_production_and_local_agree_on_what_jobs_see() -> None:
    """But on key groups: locally few, since a checkpoint walks them all; in production enough to grow into."""
    local, production = (
        yaml.safe_load((ROOT / "flink-conf" / f).read_text()) for f in ("config.yaml", "production.yaml")
    )
    shared = {key for key in local if key.startswith(("python.", "pipeline.", "table.", "execution.", "state."))}
    shared.remove("pipeline.max-parallelism")
    assert {key: local[key] for key in shared} == {key: production[key] for key in shared}
    assert local["pipeline.max-parallelism"] < production["pipeline.max-parallelism"]


def test_lib_has_the_named_jars_and_the_clients_log_no_environment(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connector = tmp_path / "connector.jar"
    connector.touch()
    monkeypatch.setattr("stack.jars.flink_lib_jars", lambda: [connector])
    monkeypatch.setattr("stack.jars.flink_opt_jars", list)
    lay_out(settings, JAVA)
    names = {jar.name for jar in (settings.home / "flink" / "lib").iterdir()}
    shipped = {jar.name for jar in (flink_package() / "lib").glob("*.jar")}
    assert names - shipped == {"connector.jar", "flink-python-2.2.1.jar"}
    assert not (settings.home / "flink" / "bin" / "flink").is_symlink()
    told = (settings.home / "flink" / "conf" / "log4j-cli.properties").read_text()
    assert "rootLogger" in told and "logger.environment.name = org.apache.flink.client.python.PythonEnvUtils\n" in told
