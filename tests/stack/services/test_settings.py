"""Settings of the stack and their sources."""

from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from core.resources import ROOT
from core.settings import Settings
from dashboard.settings import DashboardSettings
from gateway.settings import GatewaySettings
from gateway.tools.settings import ClientSettings
from ingestion.forwarder.settings import ForwardSettings
from notify.settings import NotifySettings
from stack.services import home
from stack.services.settings import StackSettings


def test_the_example_file_names_every_setting_with_its_default() -> None:
    kinds = (ForwardSettings, DashboardSettings, GatewaySettings, ClientSettings, NotifySettings, StackSettings)
    fields = {name: field for kind in kinds for name, field in kind.model_fields.items()}
    defaults = {name.upper(): field.get_default() for name, field in fields.items()}
    defaults["DEPTHFLOW_HOME"] = ".depthflow"
    expected = {f"# {name}={as_text(value)}" for name, value in defaults.items()}
    lines = (ROOT / ".env.example").read_text().partition("# docker-compose.yml")[0].splitlines()
    assert {line for line in lines if "=" in line} == expected


def as_text(default: object) -> str:
    """A default as the file shows it; empty where a setting has none."""
    if default in (None, (), PydanticUndefined):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_the_variable_home_is_not_the_stacks_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEPTHFLOW_HOME")
    monkeypatch.setenv("HOME", "/nowhere")
    assert StackSettings().home == ROOT / ".depthflow"


def test_the_settings_of_the_start_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = StackSettings(depthflow_home=tmp_path, kafka_port=19999)
    home.create(started)
    home.record(started)
    monkeypatch.setenv("KAFKA_PORT", "18888")
    assert home.recorded(tmp_path) == started


def test_addresses_of_the_local_stack_come_after_arguments_environment_and_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials.env").write_text(
        "KAFKA_BOOTSTRAP_SERVERS=stack:1\nREDIS_URL=redis://stack\nPOSTGRES_DSN=stack\nFLINK_REST_URL=http://stack\n"
    )
    (tmp_path / ".env").write_text(f"DEPTHFLOW_HOME={tmp_path}\nREDIS_URL=redis://file\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEPTHFLOW_HOME")
    monkeypatch.setenv("POSTGRES_DSN", "")
    settings = Settings(flink_rest_url="http://argument")
    assert settings.kafka_bootstrap_servers == "stack:1"
    assert settings.redis_url.get_secret_value() == "redis://file"
    assert settings.postgres_dsn.get_secret_value() == ""
    assert settings.flink_rest_url == "http://argument"


def test_a_child_process_gets_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials.env").write_text("KAFKA_BOOTSTRAP_SERVERS=stack:1\nJAVA_HOME=/java\n")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    settings = Settings(depthflow_home=tmp_path)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings and settings.environment()["JAVA_HOME"] == "/java"


def test_memory_is_the_sum_of_the_java_processes() -> None:
    settings = StackSettings(kafka_heap="512m", flink_taskmanagers=2, flink_taskmanager_memory="2g")
    assert settings.memory_bytes() == (512 + 64 + 1024 + 2 * 2048) * 1024**2
