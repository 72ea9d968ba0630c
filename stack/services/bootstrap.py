"""Start of a stack: from an empty folder to a running supervisor."""

import os
import sys

from stack.services import (
    dashboard,
    flink_clients,
    flink_home,
    flink_processes,
    home,
    jars,
    kafka,
    observation,
    postgres,
    recovery,
    rest_gateway,
    taskmanagers,
    valkey,
    zookeeper,
)
from stack.services.cds_archives import collect_archives, delete_unused_archives
from stack.services.credentials import Credentials, write_environment
from stack.services.java import Java, find_java
from stack.services.orphans import terminate_orphans
from stack.services.ports import check_ports
from stack.services.progress import Progress
from stack.services.settings import StackSettings
from stack.services.supervisor import Supervisor
from stack.services.supervisord_config import Program

INHERITED = ("HOME", "USER", "LANG", "LC_ALL", "JAVA_TOOL_OPTIONS")  # the last one: the user's options for every JVM
# The user's options for numpy. Without them a fit in a job would differ in its last digits from the same fit elsewhere.
INHERITED_PREFIXES = ("OPENBLAS_", "OMP_", "NPY_")


def start_processes(
    settings: StackSettings,
    credentials: Credentials,
    supervisor: Supervisor,
    progress: Progress,
    resume: bool,
    observe: bool = False,
) -> None:
    """Start every process of the stack. The processes are not ready yet when this returns.

    `resume`: Flink continues the jobs that ran when it ended. `observe`: every process has metrics, and Prometheus and
    the exporters start as far as they are installed.
    """
    with progress.step("checking Java, ports and leftover processes of an earlier stack"):
        java = find_java()
        terminate_orphans(settings)
        collect_archives(settings)
        if not resume:
            recovery.forget(settings.home)
        check_ports(settings.ports())
        if observe:
            observation.require_ports(settings)
    if missing := jars.missing():
        with progress.step("downloading " + ", ".join(coordinate.split(":", 1)[1] for coordinate in missing)):
            jars.fetch_all(progress.download)
    if observe:
        with progress.step("preparing the metrics"):
            jars.metrics_agent(progress.download)
            observation.prepare(settings, credentials)
    else:
        observation.forget(settings.home)
    with progress.step("preparing Kafka, Flink, PostgreSQL and Valkey"):
        home.clear_temporary_files(settings.home)
        home.record(settings)
        taskmanagers.record_installation(settings.home)
        write_environment(settings, credentials, _flink_addresses(settings, java))
        programs = _prepare(settings, credentials, java, observe)
        delete_unused_archives()
    with progress.step("starting Kafka, Flink, PostgreSQL and Valkey"):
        supervisor.start(programs, clean_environment(java))


def _prepare(settings: StackSettings, credentials: Credentials, java: Java, observe: bool) -> list[Program]:
    valkey.prepare(settings, credentials)
    postgres.prepare(settings, credentials)
    postgres.link_psql(settings)
    kafka.prepare(settings, java)
    flink_home.lay_out(settings, java)
    flink_clients.write(settings, java)
    zookeeper.prepare(settings)
    services = [
        zookeeper.program(settings, java),
        kafka.program(settings, java, observation.kafka_agent(settings) if observe else []),
        postgres.program(settings),
        valkey.program(settings),
    ]
    observers = observation.programs(settings) if observe else []
    flink = flink_processes.programs(settings, java, observe)
    return [*services, *flink, rest_gateway.program(settings), dashboard.program(settings), *observers]


def _flink_addresses(settings: StackSettings, java: Java) -> dict[str, str]:
    """The settings with which a program submits a job."""
    return {
        "FLINK_HOME": str(flink_home.flink_home(settings)),
        "FLINK_REST_URL": settings.flink_url,
        "FLINK_STATE_URL": (settings.home / "checkpoints").as_uri(),
        "JAVA_HOME": str(java.home),
    }


def clean_environment(java: Java) -> dict[str, str]:
    """Environment of the stack's processes. A FLINK_CONF_DIR or PYTHONPATH of the caller must not reach the cluster."""
    inherited = {
        key: value for key, value in os.environ.items() if key in INHERITED or key.startswith(INHERITED_PREFIXES)
    }
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    return inherited | {"PATH": path, "JAVA_HOME": str(java.home), "TZ": "UTC"}
