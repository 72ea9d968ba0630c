"""A real Prometheus over a running stack: every target, every query, every line of the logs, and alerts with causes."""

import json
import re
import shutil
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.resources import ROOT
from stack.services.credentials import load_credentials
from stack.services.observation import PACKAGES
from stack.services.settings import LOOPBACK
from stack.services.supervisor import Supervisor
from tests.deploy.observed import Observed, observed_stack
from tests.deploy.slow_troubles import (
    locked_tables,
    lossy_exchange_with_a_slow_clock,
    slow_database,
    unreachable_receiver,
)
from tests.deploy.troubles import (
    Trouble,
    hanging_exchange,
    hanging_gateway,
    killed_taskmanagers,
    no_broker_and_no_flink,
    no_database,
    no_forwarder,
    no_place_for_checkpoints,
    no_redis,
    small_buffers,
    unreadable_record,
    unstorable_record,
)
from tests.jobs.isolated_system import wait_until
from tests.soak import soak

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        not all(map(shutil.which, PACKAGES)), reason="Debian's Prometheus: apt-get install " + " ".join(PACKAGES)
    ),
]
RULES = ROOT / "deploy" / "prometheus" / "rules"
BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
ELSEWHERE = {"redpanda_kafka_under_replicated_replicas"}  # of another broker
NO_CLIENTS = {"depthflow:conflated:share5m"}  # nobody reads the gateway's sockets, so that nothing is sent
NAME = re.compile(r"\b(?:flink|kafka|redpanda|pg|redis|node|gateway|notify|websocket|book|messages|depthflow)_\w+")
TEXT = {"postgres", "valkey", "supervisord"}  # processes of others without a JSON format
JVM = re.compile(r"Picked up JAVA_TOOL_OPTIONS|\[\d+\.\d+s\]|OpenJDK|WARNING: ")  # lines of the JVM itself
# Alerts by the test that raises them.
DEAD = ("DeadLetters", "RecordsNotStored", "ForwarderDown", "VenueDown")
STALE = ("RedisDown", "GatewayDown", "BookOutOfSync", "BudgetBurnsFast sync")
SLOWER_OBJECTIVES = ("BudgetBurns sync", "BudgetBurnsSlowly sync")
SLOW = ("JobRestarting", "DatabaseBehind", "ReceiverDown", "CheckpointOld", "ConsumerLag", "GapRate", "EventTimeLag")
DOWN = ("BrokerDown", "FlinkDown", "FlinkProcessDown", "JobMissing", "FramesDropped")
MISSED = ("SilentStream", "ForwarderDisconnected", "DatabaseDown", "CheckpointFailing")
LONG_S = 660  # windows of a rule, and the time until its cause shows
LEVELS = ("debug", "info", "warn", "warning", "error", "fatal", "critical")


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    with observed_stack(tmp_path_factory.mktemp("observed")) as running:
        wait_until(lambda: bool(running.query("depthflow_newest_row_age_seconds < 30")), "rows in the database", 240)
        wait_until(lambda: bool(running.query("depthflow:applied:rate1m > 0")), "updates to be counted")
        wait_until(lambda: bool(running.query("notify_receiver_up == 1")), "a delivered alert")
        yield running


def rules() -> list[Any]:
    return [
        rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()]


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
    for name in sorted(names):
        wait_until(lambda name=name: bool(observed.query(f"count({name})")), f"a series of {name}", 60)


def test_every_rule_is_evaluated_without_an_error(observed: Observed) -> None:
    loaded = [rule for group in observed.prometheus("rules")["groups"] for rule in group["rules"]]
    assert len(loaded) == len(expressions())
    assert [(rule["name"], rule["lastError"]) for rule in loaded if rule["health"] != "ok"] == []


@pytest.mark.parametrize("name", sorted({rule["record"] for rule in rules() if "record" in rule} - NO_CLIENTS))
def test_every_recorded_series_has_data(observed: Observed, name: str) -> None:
    """A series of objectives has data of each of them."""
    labels = {rule["labels"]["slo"] for rule in rules() if rule.get("record") == name and "labels" in rule}
    queries = [f'{name}{{slo="{slo}"}}' for slo in sorted(labels)] or [name]
    wait_until(lambda: all(map(observed.query, queries)), f"data of {', '.join(queries)}", 60)


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


@contextmanager
def troubled_by(observed: Observed, *troubles: Trouble) -> Iterator[None]:
    """Several troubles at once; they end together."""
    with ExitStack() as running:
        for trouble in troubles:
            running.enter_context(trouble(observed))
        yield


def raise_alerts(observed: Observed, alerts: tuple[str, ...], *troubles: Trouble) -> None:
    """Each alert is raised while its trouble lasts, and not by an earlier one."""
    for alert in alerts:
        observed.wait_resolved(alert, LONG_S)
    with troubled_by(observed, *troubles):
        for alert in alerts:
            observed.wait_firing(alert, LONG_S)


@pytest.fixture(scope="module")
def without_forwarder(observed: Observed) -> Iterator[ExitStack]:
    """Three troubles at once: a record that nobody can read, one that nobody can store, and a killed forwarder."""
    with ExitStack() as troubles:
        troubles.enter_context(troubled_by(observed, unreadable_record, unstorable_record, no_forwarder))
        yield troubles


@pytest.mark.parametrize("alert", DEAD)
def test_a_trouble_raises_its_alert(observed: Observed, without_forwarder: ExitStack, alert: str) -> None:
    observed.wait_firing(alert)


@soak
def test_without_a_forwarder_books_get_stale_until_it_is_back(observed: Observed, without_forwarder: ExitStack) -> None:
    """Beside it the alerts of two other processes."""
    with troubled_by(observed, no_redis, hanging_gateway):
        for alert in STALE + SLOWER_OBJECTIVES:
            observed.wait_firing(alert, LONG_S)
        without_forwarder.close()


@soak
def test_much_is_slow_or_lossy(observed: Observed) -> None:
    stopped = unreachable_receiver, killed_taskmanagers, locked_tables
    raise_alerts(observed, SLOW, *stopped, slow_database, lossy_exchange_with_a_slow_clock)


@soak
def test_broker_and_flink_are_missed(observed: Observed) -> None:
    raise_alerts(observed, DOWN, small_buffers, no_broker_and_no_flink)


@soak
def test_an_exchange_a_database_and_a_place_for_checkpoints_are_missed(observed: Observed) -> None:
    """A silent stream alone is subscribed again by the forwarder before the alert."""
    raise_alerts(observed, MISSED, hanging_exchange, no_database, no_place_for_checkpoints)


@soak
@pytest.mark.parametrize("alert", (*DEAD, *STALE, *SLOW, *DOWN, *MISSED))
def test_every_alert_ends_after_its_trouble(observed: Observed, alert: str) -> None:
    """Except those of the slower objectives, which look back for longer than this test runs."""
    observed.wait_resolved(alert, LONG_S)


@soak
def test_the_data_flow_again(observed: Observed) -> None:
    wait_until(lambda: bool(observed.query("min(depthflow:applied:rate1m) > 0")), "updates of both exchanges")
    wait_until(lambda: bool(observed.query("max(depthflow_newest_row_age_seconds) < 30")), "new rows in the database")
