"""A real Prometheus over a running stack: every target, every query, every line of the logs, and alerts with causes."""

import json
import re
import shutil
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.resources import ROOT
from stack.services.credentials import load_credentials
from stack.services.observation import PACKAGES
from stack.services.settings import LOOPBACK
from stack.services.supervisor import Supervisor
from tests.deploy.observed import KEY, Observed, observed_stack
from tests.jobs.isolated_system import wait_until
from tests.soak import soak
from tests.stack_processes import kill

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not all(map(shutil.which, PACKAGES)), reason="Debian's Prometheus: apt-get install " + " ".join(PACKAGES)
    ),
]
RULES = ROOT / "deploy" / "prometheus" / "rules"
BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
ELSEWHERE = {"redpanda_kafka_under_replicated_replicas"}  # of another broker
NAME = re.compile(r"\b(?:flink|kafka|redpanda|pg|redis|node|gateway|notify|websocket|book|messages|depthflow)_\w+")
TEXT = {"postgres", "valkey", "supervisord"}  # processes of others without a JSON format
JVM = re.compile(r"Picked up JAVA_TOOL_OPTIONS|\[\d+\.\d+s\]|OpenJDK|WARNING: ")  # lines of the JVM itself
LEVELS = ("debug", "info", "warn", "warning", "error", "fatal", "critical")


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    with observed_stack(tmp_path_factory.mktemp("observed")) as running:
        wait_until(lambda: bool(running.query("depthflow_newest_row_age_seconds < 30")), "rows in the database", 240)
        wait_until(lambda: bool(running.query("depthflow:applied:rate1m > 0")), "updates to be counted")
        wait_until(lambda: bool(running.query("notify_receiver_up == 1")), "a delivered alert")
        yield running


def expressions() -> list[str]:
    rules = [
        rule
        for path in RULES.glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]
    return [rule["expr"] for rule in rules]


def panels() -> Iterator[Any]:
    """(board and title, PromQL) of every panel of Prometheus."""
    for path in BOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == "prometheus":
                    yield pytest.param(target["expr"], id=f"{path.stem}: {panel['title']}")


def test_every_target_is_up(observed: Observed) -> None:
    def jobs(value: int) -> set[str]:
        return {result["metric"]["job"] for result in observed.query(f"up == {value}")}

    ours = {"forwarder", "gateway", "notify", "flink", "kafka"}
    expected = ours | {"alertmanager", "node", "postgres", "prometheus", "redis"}
    wait_until(lambda: jobs(1) >= expected and not jobs(0), "every target to respond")
    assert jobs(1) == expected


def test_every_metric_of_a_rule_is_there(observed: Observed) -> None:
    names = {name for text in expressions() for name in NAME.findall(text)} - ELSEWHERE
    assert len(names) > 20
    missing = {name for name in names if not observed.query(f"count({name})")}
    assert missing == set()


def test_every_rule_is_evaluated_without_an_error(observed: Observed) -> None:
    rules = [rule for group in observed.prometheus("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(expressions())
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []


@pytest.mark.parametrize("expression", list(panels()))
def test_every_panel_has_data(observed: Observed, expression: str) -> None:
    query = expression.replace("$__rate_interval", "1m").replace("$venue", ".*")
    wait_until(lambda: bool(observed.query(query)), f"data of {query}", 60)


def test_healthy_books_raise_no_alert_of_the_pipeline(observed: Observed) -> None:
    assert (
        observed.firing() & {"BookOutOfSync", "GapRate", "SilentStream", "ForwarderDown", "CheckpointFailing"} == set()
    )
    assert "spread_spike" in observed.firing(), "the alert of the market reached Alertmanager by notify"


def leave_a_response_unread(port: int) -> None:
    """Request metrics and close the connection, as a scrape that takes too long."""
    with socket.create_connection((LOOPBACK, port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_every_line_of_the_logs_is_json(observed: Observed) -> None:
    """With the same fields, except those of Prometheus and its exporters."""
    leave_a_response_unread(observed.settings.kafka_metrics_port)
    logs = observed.home / "logs"
    client, *more = [path.relative_to(logs).with_suffix("") for path in logs.glob("flink/*client*.log")]
    assert not more
    read = {str(path.relative_to(logs).with_suffix("")): path.read_text().splitlines() for path in logs.rglob("*.log")}
    consoles = {"jobmanager", *observed.settings.taskmanagers}
    flink = {f"flink/{name}" for name in consoles}
    ours = {"forwarder", "notify", "simulate", "gateway", "dashboard"}
    assert read.keys() == {*ours, *flink, *consoles, str(client), "kafka", "zookeeper", *PACKAGES, *TEXT}
    silent = {name for name, lines in read.items() if not lines}
    assert silent <= {"gateway"}, "which has nothing to say while all goes well"
    for name in read.keys() - TEXT:
        fields = set() if name in PACKAGES else {"time", "service", "level", "event"}
        for line in read[name]:
            if not (name in consoles | {"kafka", "zookeeper"} and JVM.match(line)):
                event = json.loads(line)
                assert event.keys() >= fields, (name, line)
                assert event["level"] in LEVELS, (name, line)


def test_no_log_and_no_process_list_has_a_secret(observed: Observed) -> None:
    secrets = set(load_credentials(observed.settings).passwords.values())
    assert len(secrets) > 5
    for path in (observed.home / "logs").rglob("*"):
        text = path.read_text(errors="replace") if path.is_file() else ""
        assert not [path.name for secret in secrets if secret in text]
    for pid in [process.pid for process in Supervisor(observed.home).processes() if process.pid]:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        assert not [command for secret in secrets if secret in command]


@pytest.fixture(scope="module")
def troubled(observed: Observed) -> Observed:
    """Two troubles at once: a record that nobody can read, and a killed forwarder."""
    observed.send("orderbook.raw", KEY, b"{")
    observed.kill("forwarder")
    return observed


@pytest.mark.parametrize("alert", ["DeadLetters", "ForwarderDown"])
def test_a_trouble_raises_its_alert(troubled: Observed, alert: str) -> None:
    troubled.wait_firing(alert)


@soak
def test_without_a_forwarder_books_get_stale_until_it_is_back(troubled: Observed) -> None:
    troubled.wait_firing("BookOutOfSync", 240)
    troubled.start_forwarder()
    troubled.wait_resolved("ForwarderDown")
    troubled.wait_resolved("BookOutOfSync")


@soak
def test_an_exchange_that_falls_silent_raises_an_alert(observed: Observed) -> None:
    """A silent stream alone is subscribed again by the forwarder before the alert."""
    exchange = observed.processes["simulate"]
    exchange.send_signal(signal.SIGSTOP)
    try:
        observed.wait_firing("SilentStream", 240)
    finally:
        exchange.send_signal(signal.SIGCONT)
    observed.wait_resolved("SilentStream")


@soak
def test_a_killed_taskmanager_raises_an_alert(observed: Observed) -> None:
    for name in observed.settings.taskmanagers:
        kill(observed.home, name)
    observed.wait_firing("JobRestarting", 240)


@soak
def test_a_stopped_database_raises_an_alert_and_its_return_ends_it(observed: Observed) -> None:
    supervisor = Supervisor(observed.home)
    supervisor.stop_program("postgres")
    observed.wait_firing("DatabaseDown")
    supervisor.start_program("postgres")
    observed.wait_resolved("DatabaseDown")


@soak
def test_checkpoints_that_fail_raise_an_alert(observed: Observed) -> None:
    folder = observed.home / "checkpoints"
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("in the way of the folder")
    try:
        observed.wait_firing("CheckpointFailing", 300)
    finally:
        folder.unlink()
        aside.rename(folder)
