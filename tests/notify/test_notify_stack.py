"""`depthflow notify` over a real broker: killed, its receiver stopped, a storm, a real Alertmanager."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from core.records import Alert
from tests.conftest import Stack, free_ports
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.notify.alertmanager import BINARY, running_alertmanager
from tests.notify.builders import alert
from tests.notify.web import Web, serving

STORM = 1000


@contextmanager
def notifying(system: IsolatedSystem, log: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """The running command, once it reads the topic."""
    broker = {"KAFKA_BOOTSTRAP_SERVERS": system.stack.kafka, "TOPIC_PREFIX": system.settings.topic_prefix}
    environment = system.stack.environment | broker | {"NOTIFY_METRICS_ADDR": ""} | settings
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "stack", "notify"], env=environment, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or "sending alerts" in log.read_text(), "the command to read", 60)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        process.kill()
        process.wait()


def send(system: IsolatedSystem, *alerts: Alert) -> None:
    system.send(("orderbook.alerts", f"{each.venue}:{each.symbol}", msgspec.json.encode(each)) for each in alerts)


def committed(system: IsolatedSystem) -> int:
    """Number of alerts that the group has committed."""
    prefix = system.settings.topic_prefix
    group = {"bootstrap.servers": system.stack.kafka, "group.id": f"{prefix}depthflow-notify"}
    consumer = Consumer(group)
    found = consumer.committed([TopicPartition(f"{prefix}orderbook.alerts", number) for number in (0, 1)])
    consumer.close()
    return sum(max(each.offset, 0) for each in found)


def ids(web: Web) -> list[str]:
    """Ids of the alerts in the messages that a service received."""
    messages = [json.loads(posted.body)["message"] for posted in web.requests]
    return [found for message in messages for found in re.findall(r"\[(.*?)\]", message)]


def counted(web: Web) -> int:
    """Number of alerts that the titles of the messages count."""
    titles = [json.loads(posted.body)["title"] for posted in web.requests]
    return sum(int(count) for title in titles for count in re.findall(r"(\d+) (?:firing|resolved)", title))


def test_a_killed_process_sends_again_and_an_outage_of_the_receiver_loses_nothing(stack: Stack, tmp_path: Path) -> None:
    system = IsolatedSystem(stack, "notify-service.")
    life = [alert("enter"), alert("escalate", "high"), alert("exit", "high")]
    (port, metrics_port) = free_ports(2)
    settings = {"NOTIFY_URLS": f"json://127.0.0.1:{port}/", "NOTIFY_METRICS_ADDR": f"127.0.0.1:{metrics_port}"}
    with serving(port=port) as web:
        with notifying(system, tmp_path / "first.log", **settings) as first:
            send(system, life[0])
            wait_until(lambda: ids(web) == [life[0].id], "the first alert")
            wait_until(lambda: committed(system) == 1, "its offset to be committed")
            web.answers.clear()
            send(system, life[1])
            wait_until(lambda: ids(web)[1:] == [life[1].id], "the second alert, without an answer")
            first.kill()
            first.wait()
            web.answers.set()
        with notifying(system, tmp_path / "second.log", **settings):
            wait_until(lambda: ids(web)[2:] == [life[1].id], "the second alert again, under the same id")
            wait_until(lambda: committed(system) == 2, "its offset to be committed")
    with notifying(system, tmp_path / "third.log", **settings) as third:
        storm = [alert("enter", symbol=f"S{number}") for number in range(STORM)]
        send(system, life[2], *storm)
        wait_until(lambda: "receiver unavailable" in (tmp_path / "third.log").read_text(), "the outage in the log")
        with serving(port=port) as web:
            wait_until(lambda: counted(web) == 1 + STORM, "every alert after the outage")
            assert len(web.requests) <= 5
            assert "delivery goes on" in (tmp_path / "third.log").read_text()
            with urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=5) as answer:
                shown = answer.read().decode()
        assert f"notify_active_alerts {STORM}.0" in shown
        assert re.search(r'notify_deliveries_total\{receiver="json://127.0.0.1:\d+/",result="failed"\} [1-9]', shown)
        third.send_signal(signal.SIGTERM)
        assert third.wait(10) == 0


@pytest.mark.skipif(not BINARY, reason="needs Alertmanager: apt-get install prometheus-alertmanager")
def test_a_real_alertmanager_notifies_of_enter_escalate_and_exit_and_groups_a_storm(
    stack: Stack, tmp_path: Path
) -> None:
    system = IsolatedSystem(stack, "notify-alertmanager.")
    now = time.time_ns() // 1_000_000
    life = [
        alert("enter", "medium", now, now),
        alert("escalate", "high", now + 1, now),
        alert("exit", "high", now + 2, now),
    ]
    storm = [alert("enter", "high", now, now, "iv_spike", f"S{number}") for number in range(STORM)]
    with serving() as web, running_alertmanager(tmp_path, f"http://127.0.0.1:{web.port}/") as manager:
        with notifying(system, tmp_path / "notify.log", NOTIFY_ALERTMANAGER_URL=manager.url):
            for each in life:
                send(system, each)
                wanted = set() if each.phase == "exit" else {(each.rule, each.symbol, each.severity)}
                wait_until(lambda state=wanted: firing(web, life[0].rule) == state, f"the notification of {each.phase}")
            send(system, *storm)
            wait_until(lambda: len({symbol for _, symbol, _ in firing(web, "iv_spike")}) == STORM, "the storm")
    groups = [json.loads(posted.body) for posted in web.requests]
    assert len([group for group in groups if group["commonLabels"].get("rule") == "iv_spike"]) <= 5


def firing(web: Web, rule: str) -> set[tuple[str, str, str]]:
    """Rule, symbol and severity of the alerts that fire by the notifications so far."""
    states = {}
    for posted in list(web.requests):
        for found in json.loads(posted.body)["alerts"]:
            labels = found["labels"]
            states[labels["rule"], labels["symbol"], labels["severity"]] = found["status"]
    return {key for key, status in states.items() if status == "firing" and key[0] == rule}
