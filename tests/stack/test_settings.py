from pathlib import Path

import pytest

from market.settings import Settings
from stack import home
from stack.settings import ROOT, StackSettings


def test_the_example_file_names_every_setting_with_its_default() -> None:
    fields = Settings.model_fields | StackSettings.model_fields
    defaults = {name.upper(): field.get_default() for name, field in fields.items()}
    shown = {name: "" if value is None else value for name, value in defaults.items()} | {
        "DEPTHFLOW_HOME": ".depthflow"
    }
    expected = {f"# {name}={value}" for name, value in shown.items()}
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {line for line in lines if "=" in line} == expected


def test_home_of_the_environment_is_not_the_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    assert StackSettings().home == ROOT / ".depthflow"


def test_a_stack_remembers_the_settings_it_was_started_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = StackSettings(depthflow_home=tmp_path, kafka_port=19999)
    home.make(started)
    home.record(started)
    monkeypatch.setenv("KAFKA_PORT", "18888")
    assert home.recorded(tmp_path) == started


def test_memory_is_the_sum_of_the_java_processes() -> None:
    settings = StackSettings(kafka_heap="512m", flink_taskmanagers=2, flink_taskmanager_memory="2g")
    assert settings.memory_bytes() == (512 + 1024 + 2 * 2048) * 1024**2
