"""A Kafka broker in KRaft mode: broker and controller in one process."""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from core.topics import MAX_RECORD_BYTES
from stack.services import jars
from stack.services.cds_archives import archive_flags
from stack.services.errors import StackError
from stack.services.home import temporary_folder
from stack.services.java import Java
from stack.services.settings import LOOPBACK, TRANSACTION_TIMEOUT_S, StackSettings
from stack.services.supervisord_config import Program

HOUR_MS = 3600 * 1000

# One JSON object a line, as the logs of all other processes. The layout needs no jar beside log4j's core.
LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.type = Console
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.alwaysWriteExceptions = false
appender.console.layout.pattern = {"time":"%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z'}{UTC}","service":"${sys:service}",\\
"level":"%level{lowerCase=true}","event":"%enc{%m}{JSON}","logger":"%c","exception":"%enc{%ex}{JSON}"}%n
"""


def server_properties(settings: StackSettings) -> dict[str, str]:
    """The broker's configuration. With a single voter its address can change when the settings move a port."""
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
        # Records that only tell a quorum that its leader lives. At the default, two a second, they took 3 % of a core.
        "metadata.max.idle.interval.ms": "5000",
        "message.max.bytes": str(MAX_RECORD_BYTES),
        "replica.fetch.max.bytes": str(MAX_RECORD_BYTES),
        "transaction.max.timeout.ms": str(1000 * TRANSACTION_TIMEOUT_S),
        # Every checkpoint with output has a transactional id of its own. Flink cannot resume from a checkpoint or
        # savepoint whose ids the broker has forgotten: it would restart for ever (docs/state.md).
        "transactional.id.expiration.ms": str(24 * HOUR_MS),
        "transaction.remove.expired.transaction.cleanup.interval.ms": str(HOUR_MS // 6),
        "producer.id.expiration.ms": str(HOUR_MS),
        # The broker aborts expired transactions at this interval, the first time that long after its start. A
        # checkpoint may have prepared some before the stack went down for longer than their timeout: recovered jobs
        # commit them within that time.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": str(5 * 60 * 1000),
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
    """Write the configuration, and format the log directory at the first start."""
    conf = _conf(settings)
    conf.mkdir(parents=True, exist_ok=True)
    properties = "".join(f"{key}={value}\n" for key, value in server_properties(settings).items())
    (conf / "server.properties").write_text(properties)
    (conf / "log4j2.properties").write_text(LOG4J)
    if not (settings.home / "kafka" / "meta.properties").exists():
        _format(settings, java)


def program(settings: StackSettings, java: Java, agent: Sequence[str] = ()) -> Program:
    """The broker process. `agent`: options of a Java agent; a JVM with one refuses to write a class archive."""
    archive = archive_flags(settings, java, "kafka", _classpath(), writes=not agent)
    heap = [f"-Xms{min(settings.kafka_heap, '256m', key=_megabytes)}", f"-Xmx{settings.kafka_heap}"]
    return Program(
        "kafka",
        [*_java(settings, java), *heap, *archive, *agent, "kafka.Kafka", str(_conf(settings) / "server.properties")],
        temporary=temporary_folder(settings.home, "kafka"),
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
    """The id as Kafka prints it. A leading dash (one id in 64) is replaced, since the tool would read an option."""
    text = urlsafe_b64encode(number.bytes).decode().rstrip("=")
    return "A" + text[1:] if text.startswith("-") else text


def _java(settings: StackSettings, java: Java) -> list[str]:
    return [
        str(java.executable),
        "-Duser.timezone=UTC",
        "-Djava.awt.headless=true",
        "-Dservice=kafka",
        f"-Djava.io.tmpdir={temporary_folder(settings.home, 'kafka')}",
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
