"""From an empty folder to a running supervisor."""

import os
import sys

from stack import flink_home, flink_processes, home, jars, kafka, postgres, valkey
from stack.archives import keep_archives
from stack.credentials import Credentials, write_environment
from stack.java import Java, find_java
from stack.orphans import end_orphans
from stack.ports import check_ports
from stack.processes import Program, Supervisor
from stack.report import Reporter
from stack.settings import StackSettings

KEPT = ("HOME", "USER", "LANG", "LC_ALL", "JAVA_TOOL_OPTIONS")  # the last: what its user tells every JVM
# And every numpy: without it a job's fits would differ in their last digits from those of a program beside it.
KEPT_PREFIXES = ("OPENBLAS_", "OMP_", "NPY_")


def launch(settings: StackSettings, credentials: Credentials, supervisor: Supervisor, report: Reporter) -> None:
    """Start every process of the stack; they are not ready yet when this returns."""
    with report.step("checking Java, ports and what an earlier stack may have left running"):
        java = find_java()
        end_orphans(settings)
        keep_archives(settings)
        check_ports(settings.ports())
    if missing := jars.missing():
        with report.step("fetching " + ", ".join(coordinate.split(":", 1)[1] for coordinate in missing)):
            jars.fetch_all(report.download)
    with report.step("preparing Kafka, Flink, PostgreSQL and Valkey"):
        home.empty_scratch(settings.home)
        home.record(settings)
        write_environment(settings, credentials, _flink_addresses(settings, java))
        programs = _prepare(settings, credentials, java)
    with report.step("starting them"):
        supervisor.start(programs, clean_environment(java))


def _prepare(settings: StackSettings, credentials: Credentials, java: Java) -> list[Program]:
    valkey.prepare(settings, credentials)
    postgres.prepare(settings, credentials)
    postgres.link_client(settings)
    kafka.prepare(settings, java)
    flink_home.lay_out(settings, java)
    own = [kafka.program(settings, java), postgres.program(settings), valkey.program(settings)]
    return own + flink_processes.programs(settings, java)


def _flink_addresses(settings: StackSettings, java: Java) -> dict[str, str]:
    """What a program needs to submit a job."""
    return {
        "FLINK_HOME": str(flink_home.flink_home(settings)),
        "FLINK_REST_URL": settings.flink_url,
        "FLINK_STATE_URL": (settings.home / "checkpoints").as_uri(),
        "JAVA_HOME": str(java.home),
    }


def clean_environment(java: Java) -> dict[str, str]:
    """What the processes inherit: a stray FLINK_CONF_DIR or PYTHONPATH of the caller must not reach the cluster."""
    kept = {key: value for key, value in os.environ.items() if key in KEPT or key.startswith(KEPT_PREFIXES)}
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)))
    return kept | {"PATH": path, "JAVA_HOME": str(java.home), "TZ": "UTC"}
