"""Layouts of the logs of Java processes: every line is one JSON object, whatever the message contains."""

import json
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core.resources import DATA
from stack.services import jars
from stack.services.flink_home import CLIENT_LOG, CONSOLE_LOG, flink_package
from stack.services.java import find_java
from stack.services.kafka import LOG4J

CLIENT = "org.apache.flink.client.cli.CliFrontend"
TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


def logged(service: str, configuration: Path, classpath: str, *main: str) -> list[dict[str, Any]]:
    """Events on the console of a program that ends with an error, without lines that the JVM itself writes."""
    flags = [f"-Dservice={service}", "-XX:TieredStopAtLevel=1", f"-Dlog.file={configuration.parent / 'rolling.log'}"]
    flags += [f"-Dlog4j2.configurationFile={configuration}", f"-Dlog4j.configurationFile={configuration}"]
    command = [str(find_java().executable), *flags, "-cp", classpath, *main]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def check(events: list[dict[str, Any]], service: str) -> None:
    assert {event["service"] for event in events} == {service}
    assert {event["level"] for event in events} >= {"error"} and all(event["event"] for event in events)
    assert all(datetime.fromisoformat(event["time"].removesuffix("Z")) for event in events)
    assert any("\n\tat " in event.get("exception", "") for event in events), "a stack trace is a field of its event"


def test_flink_logs_json_on_the_console_and_into_its_file(tmp_path: Path) -> None:
    configuration = tmp_path / CONSOLE_LOG
    configuration.write_text((DATA / "flink-conf" / CONSOLE_LOG).read_text())
    (tmp_path / "config.yaml").write_text("jobmanager.rpc.port: 6123\n")  # without memory and address
    classpath = f"{flink_package() / 'lib'}/*"
    events = logged("taskmanager-1", configuration, classpath, TASKMANAGER, "--configDir", str(tmp_path))
    check(events, "taskmanager-1")
    assert [json.loads(line) for line in (tmp_path / "rolling.log").read_text().splitlines()] == events


def test_a_client_of_flink_logs_json_into_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = tmp_path / CLIENT_LOG
    configuration.write_text((DATA / "flink-conf" / CLIENT_LOG).read_text())
    (tmp_path / "config.yaml").write_text("rest.address: localhost\nrest.port: 1\nrest.retry.max-attempts: 0\n")
    monkeypatch.setenv("FLINK_CONF_DIR", str(tmp_path))
    assert logged("client", configuration, f"{flink_package() / 'lib'}/*", CLIENT, "list") == []
    check([json.loads(line) for line in (tmp_path / "rolling.log").read_text().splitlines()], "client")


def test_kafka_and_zookeeper_log_json(tmp_path: Path) -> None:
    configuration = tmp_path / "log4j2.properties"
    configuration.write_text(LOG4J)
    classpath = ":".join(map(str, jars.kafka_jars()))
    check(logged("kafka", configuration, classpath, "kafka.Kafka", str(tmp_path / 'missing "quoted"')), "kafka")
