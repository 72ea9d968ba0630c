"""One Kafka broker in KRaft mode, broker and controller in one process."""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from market.topics import MAX_RECORD_BYTES
from stack import jars
from stack.archives import archive_flags
from stack.errors import StackError
from stack.java import Java
from stack.processes import Program
from stack.settings import LOOPBACK, StackSettings

LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.type = Console
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
"""


def server_properties(settings: StackSettings) -> dict[str, str]:
    """The broker's configuration. One voter, so its address may follow the settings when a port moves."""
    one, broker, controller = "1", settings.kafka_bootstrap, f"{LOOPBACK}:{settings.kafka_controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(settings.home / "kafka"),
        "auto.create.topics.enable": "false",
        "message.max.bytes": str(MAX_RECORD_BYTES),
        "replica.fetch.max.bytes": str(MAX_RECORD_BYTES),
        "transaction.max.timeout.ms": str(15 * 60 * 1000),
        "group.initial.rebalance.delay.ms": "0",
        "default.replication.factor": one,
        "min.insync.replicas": one,
        "offsets.topic.replication.factor": one,
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": one,
        "transaction.state.log.min.isr": one,
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": one,
        "share.coordinator.state.topic.min.isr": one,
        "share.coordinator.state.topic.num.partitions": "1",
    }


def prepare(settings: StackSettings, java: Java) -> None:
    """Write the configuration; format the log directory the first time."""
    conf = _conf(settings)
    conf.mkdir(parents=True, exist_ok=True)
    properties = "".join(f"{key}={value}\n" for key, value in server_properties(settings).items())
    (conf / "server.properties").write_text(properties)
    (conf / "log4j2.properties").write_text(LOG4J)
    if not (settings.home / "kafka" / "meta.properties").exists():
        _format(settings, java)


def program(settings: StackSettings, java: Java) -> Program:
    """The broker."""
    archive = archive_flags(settings, java, "kafka", _classpath())
    heap = [f"-Xms{min(settings.kafka_heap, '256m', key=_megabytes)}", f"-Xmx{settings.kafka_heap}"]
    return Program(
        "kafka", [*_java(settings, java), *heap, *archive, "kafka.Kafka", str(_conf(settings) / "server.properties")]
    )


def _format(settings: StackSettings, java: Java) -> None:
    tool = [*_java(settings, java), "kafka.tools.StorageTool", "format", "-t", cluster_id(uuid.uuid4()), "-c"]
    result = subprocess.run([*tool, _conf(settings) / "server.properties"], capture_output=True, text=True)
    if result.returncode:
        raise StackError(
            "Kafka could not format its log directory",
            f"Look at {settings.home / 'kafka'}",
            (result.stdout + result.stderr).strip(),
        )


def cluster_id(number: uuid.UUID) -> str:
    """The id as Kafka prints one. A leading dash, one in 64, would be read as an option: as Kafka, we have none."""
    printed = urlsafe_b64encode(number.bytes).decode().rstrip("=")
    return "A" + printed[1:] if printed.startswith("-") else printed


def _java(settings: StackSettings, java: Java) -> list[str]:
    return [
        str(java.executable),
        "-Duser.timezone=UTC",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={_conf(settings) / 'log4j2.properties'}",
        "-cp",
        _classpath(),
    ]


def _classpath() -> str:
    return ":".join(str(jar) for jar in jars.kafka_jars())


def _conf(settings: StackSettings) -> Path:
    return settings.home / "conf" / "kafka"


def _megabytes(size: str) -> int:
    return int(size[:-1]) * (1024 if size.endswith("g") else 1)
