"""Prometheus, Alertmanager and exporters of `up --observe`: configuration, addresses, passwords."""

from pathlib import Path

import pytest
import yaml

from core.scrape_targets import targets_folder
from stack.services import observation
from stack.services.credentials import Credentials, load_credentials
from stack.services.errors import StackError
from stack.services.observation import CONFIGURATION, PACKAGES, prometheus_configuration
from stack.services.settings import StackSettings
from tests.conftest import stack_settings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return stack_settings(tmp_path)


@pytest.fixture
def credentials(settings: StackSettings) -> Credentials:
    return load_credentials(settings)


def test_every_job_of_the_deployment_is_scraped_here_too(
    settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    deployed = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())["scrape_configs"]
    local = {job["job_name"] for job in prometheus_configuration(settings)["scrape_configs"]}
    assert {job["job_name"] for job in deployed} - local == set(observation.REGISTERED) and "processes" in local


def test_targets_are_on_loopback(settings: StackSettings) -> None:
    text = yaml.safe_dump(prometheus_configuration(settings))
    jobs = yaml.safe_load(text)["scrape_configs"]
    targets = [each for job in jobs for group in job.get("static_configs", []) for each in group["targets"]]
    assert len(targets) >= 2 + settings.flink_taskmanagers
    assert all(target.startswith("127.0.0.1:") for target in targets) and "dns_sd" not in text


def test_programs_listen_on_loopback_and_get_no_password(settings: StackSettings, credentials: Credentials) -> None:
    observation.prepare(settings, credentials)
    programs = list(observation._programs(settings))
    assert {program.name for program in programs} == set(PACKAGES)
    for program in programs:
        assert any("web.listen-address=127.0.0.1:" in option for option in program.command)
        shown = " ".join(program.command) + str(program.environment)
        assert not any(password in shown for password in credentials.passwords.values())


def test_passwords_are_in_files_of_their_owner(settings: StackSettings, credentials: Credentials) -> None:
    observation.prepare(settings, credentials)
    secret = [
        path
        for path in settings.home.rglob("*")
        if path.is_file() and any(password in path.read_text() for password in credentials.passwords.values())
    ]
    assert sorted(path.name for path in secret) == ["postgres-password", "redis.json"]
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


def test_a_running_stack_without_metrics_is_refused(settings: StackSettings) -> None:
    with pytest.raises(StackError, match="runs without metrics.*up --observe"):
        observation.require_observed(settings.home)
    targets_folder(settings.home).mkdir()
    observation.require_observed(settings.home)
    observation.forget(settings.home)
    assert not observation.is_observed(settings.home)


def test_missing_packages_are_named_with_the_command_that_installs_them() -> None:
    assert "apt-get install prometheus" in observation.advice(["prometheus"])
    assert observation.advice([]) == ""
