"""FLINK_HOME of the stack: configuration and addresses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.resources import ROOT
from stack.services.flink_home import flatten, flink_package, lay_out, render_config
from stack.services.java import Java
from stack.services.settings import StackSettings
from tests.conftest import stack_settings

JAVA = Java(Path("/opt/java 17"), 17)


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return stack_settings(tmp_path)


@pytest.fixture
def config(settings: StackSettings) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(render_config(settings, JAVA))
    return loaded


def test_the_configuration_merges_keys_of_the_package_the_project_and_the_stack(
    config: dict[str, Any], settings: StackSettings
) -> None:
    assert config["jobmanager.execution.failover-strategy"] == "region"
    assert config["python.execution-mode"] == "thread"
    assert config["rest.port"] == settings.flink_port
    assert config["env.java.home"] == "/opt/java 17"
    assert config["execution.checkpointing.dir"] == f"file://{settings.home}/checkpoints"


def test_the_time_zone_does_not_replace_flinks_own_java_options(config: dict[str, Any]) -> None:
    assert "--add-opens=java.base/java.lang=ALL-UNNAMED" in config["env.java.opts.all"]
    assert "-Duser.timezone=UTC" in config["env.java.opts.taskmanager"].split()


def test_every_process_listens_on_loopback_only(config: dict[str, Any]) -> None:
    hosts = {key: value for key, value in config.items() if key.endswith(("bind-host", "bind-address", ".host"))}
    assert hosts and set(hosts.values()) == {"127.0.0.1"}


def test_production_has_the_java_options_of_the_package() -> None:
    shipped = flatten(yaml.safe_load((flink_package() / "conf" / "config.yaml").read_text()))
    production = yaml.safe_load((ROOT / "flink-conf" / "production.yaml").read_text())
    assert production["env.java.default-opts.all"].split() == shipped["env.java.opts.all"].split()


def test_production_and_local_configuration_agree_on_keys_that_change_results() -> None:
    """Except key groups: few locally, since a checkpoint visits all of them, and more in production, for growth."""
    local, production = (
        yaml.safe_load((ROOT / "flink-conf" / f).read_text()) for f in ("config.yaml", "production.yaml")
    )
    shared = {key for key in local if key.startswith(("python.", "pipeline.", "table.", "execution.", "state."))}
    shared.remove("pipeline.max-parallelism")
    assert {key: local[key] for key in shared} == {key: production[key] for key in shared}
    assert local["pipeline.max-parallelism"] < production["pipeline.max-parallelism"]


def test_key_groups_of_production_are_shared_evenly_by_more_than_powers_of_two() -> None:
    """The number cannot be changed later without losing state; of 128 groups, three slots would have 43, 43 and 42."""
    groups = yaml.safe_load((ROOT / "flink-conf" / "production.yaml").read_text())["pipeline.max-parallelism"]
    assert [slots for slots in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24) if groups % slots] == []


def test_lib_has_the_connectors_and_clients_do_not_log_the_environment(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connector = tmp_path / "connector.jar"
    connector.touch()
    monkeypatch.setattr("stack.services.jars.flink_lib_jars", lambda: [connector])
    monkeypatch.setattr("stack.services.jars.flink_opt_jars", list)
    lay_out(settings, JAVA)
    names = {jar.name for jar in (settings.home / "flink" / "lib").iterdir()}
    shipped = {jar.name for jar in (flink_package() / "lib").glob("*.jar")}
    assert names - shipped == {"connector.jar", "flink-python-2.2.1.jar"}
    assert not (settings.home / "flink" / "bin" / "flink").is_symlink()
    log_config = (settings.home / "flink" / "conf" / "log4j-cli.properties").read_text()
    assert "rootLogger" in log_config
    assert "logger.environment.name = org.apache.flink.client.python.PythonEnvUtils\n" in log_config
