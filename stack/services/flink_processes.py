"""The JobManager, the TaskManagers and the SQL gateway as Java commands.

Flink's start scripts run three more JVMs before each of these, to read the configuration. The result is the same for
every TaskManager, so this module computes it once. The cluster starts seconds sooner, and so does a TaskManager that
died.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import yaml

from stack.services import zookeeper
from stack.services.cds_archives import archive_flags
from stack.services.errors import StackError
from stack.services.flink_home import distribution, flink_home
from stack.services.home import temporary_folder
from stack.services.java import Java
from stack.services.settings import LOOPBACK, StackSettings
from stack.services.supervisord_config import Program

RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:"
JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
GATEWAY = "org.apache.flink.table.gateway.SqlGateway"
SQL_GATEWAY = "sql-gateway"
GATEWAY_JAR = "flink-sql-gateway-*.jar"
GATEWAY_HEAP = "-Xmx512m"
QUICK = ["-XX:TieredStopAtLevel=1"]


class Memory(NamedTuple):
    """Memory of one process, as Flink derives it from the settings."""

    flags: list[str]  # for the JVM
    keys: list[str]  # configuration keys


def programs(settings: StackSettings, java: Java, metrics: bool = False) -> list[Program]:
    """One JobManager, one-slot TaskManagers with fixed resource ids, and an SQL gateway that is started on request.

    When a TaskManager registers again with its fixed id, the JobManager knows that the earlier process has died, before
    a heartbeat is missed. The JobManager uses only the quick compiler: it processes no records, and it starts in half
    the time. `metrics`: each process serves its metrics to Prometheus. Flink listens on all addresses of the machine
    for this and has no option that changes it.
    """
    with ThreadPoolExecutor() as pool:
        manager, worker = pool.map(lambda role: _memory(settings, java, role), ("JM", "TM"))
    conf = ["--configDir", str(flink_home(settings) / "conf")]
    available = _keys(zookeeper.client_keys(settings))
    reporters = [_keys(reporter(port)) if metrics else [] for port in settings.flink_metrics_ports]
    return [
        _program(
            settings,
            java,
            "jobmanager",
            [*QUICK, *manager.flags],
            [JOBMANAGER, *conf, *manager.keys, *available, *reporters[0], *_keys(_temporary(settings, "jobmanager"))],
        ),
        *(
            _program(
                settings,
                java,
                name,
                worker.flags,
                [
                    TASKMANAGER,
                    *conf,
                    *worker.keys,
                    *available,
                    *of_worker,
                    *_keys({"taskmanager.resource-id": name} | _temporary(settings, name)),
                ],
            )
            for name, of_worker in zip(settings.taskmanagers, reporters[1:], strict=True)
        ),
        replace(_program(settings, java, SQL_GATEWAY, [*QUICK, GATEWAY_HEAP], _gateway(settings)), autostart=False),
    ]


def reporter(port: int) -> dict[str, str]:
    """Configuration keys of Flink's reporter for Prometheus."""
    return {
        "metrics.reporter.prom.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
        "metrics.reporter.prom.port": str(port),
        "metrics.reporter.prom.filterLabelValueCharacters": "false",
    }


def _keys(values: dict[str, str]) -> list[str]:
    """Configuration keys as options of a Flink process."""
    return [option for key, value in values.items() for option in ("-D", f"{key}={value}")]


def _temporary(settings: StackSettings, name: str) -> dict[str, str]:
    return {"io.tmp.dirs": str(temporary_folder(settings.home, name))}


def _gateway(settings: StackSettings) -> list[str]:
    """Main class and options of the gateway, which finds the configuration by environment variables."""
    endpoint = {"bind-address": LOOPBACK, "port": str(settings.flink_gateway_port)}
    return [GATEWAY, *(f"-Dsql-gateway.endpoint.rest.{key}={value}" for key, value in endpoint.items())]


def _program(settings: StackSettings, java: Java, name: str, flags: list[str], main: list[str]) -> Program:
    home = flink_home(settings)
    role, _, number = name.partition("-") if name != SQL_GATEWAY else (name, "", "")
    jars = classpath(*library(settings), *optional(settings, *([GATEWAY_JAR] if name == SQL_GATEWAY else [])))
    command = [
        str(java.executable),
        *flags,
        *archive_flags(settings, java, role, jars, writes=number in ("", "1")),
        *java_options(settings, java, role),
        f"-Djava.io.tmpdir={temporary_folder(settings.home, name)}",
        f"-Dservice={name}",
        f"-Dlog.file={settings.home / 'logs' / 'flink' / name}.log",
        f"-Dlog4j.configurationFile={home / 'conf' / 'log4j-console.properties'}",
        "-classpath",
        jars,
        *main,
    ]
    return Program(name, command, environment(home), temporary=temporary_folder(settings.home, name))


def _memory(settings: StackSettings, java: Java, role: str) -> Memory:
    """Memory of a JobManager (JM) or TaskManager (TM), computed by Flink's own tool."""
    home = flink_home(settings)
    tool = "org.apache.flink.runtime.util.bash.BashJavaUtils"
    classpath = f"{home / 'bin' / 'bash-java-utils.jar'}:{distribution(settings)}"
    command = [str(java.executable), "-cp", classpath, tool, f"GET_{role}_RESOURCE_PARAMS"]
    done = subprocess.run([*command, "--configDir", str(home / "conf")], capture_output=True, text=True)
    results = [line.removeprefix(RESULT).split() for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if done.returncode or len(results) != 2:
        raise StackError(
            "Flink rejects its configuration",
            f"Look at {home / 'conf' / 'config.yaml'}, and at FLINK_TASKMANAGER_MEMORY and FLINK_JOBMANAGER_MEMORY",
            (done.stderr or done.stdout).strip()[-2000:],
        )
    return Memory(results[0], results[1])


def library(settings: StackSettings) -> list[Path]:
    """The jars of Flink's `lib` by name, the distribution last, as Flink's scripts order them.

    Links are resolved, because class archives depend on the real paths.
    """
    last = distribution(settings)
    names = sorted(jar for jar in (flink_home(settings) / "lib").glob("*.jar") if jar != last)
    return [jar.resolve() for jar in [*names, last]]


def optional(settings: StackSettings, *patterns: str) -> list[Path]:
    """The jars of Flink's `opt` that match the patterns, in their order, with links resolved."""
    return [jar.resolve() for pattern in patterns for jar in (flink_home(settings) / "opt").glob(pattern)]


def classpath(*jars: Path) -> str:
    """Jars as Java takes them."""
    return ":".join(map(str, jars))


def java_options(settings: StackSettings, java: Java, role: str) -> list[str]:
    """Options of a JVM: those of the rendered configuration for all and for this role, and what this Java needs."""
    config = yaml.safe_load((flink_home(settings) / "conf" / "config.yaml").read_text())
    options = [*config["env.java.opts.all"].split(), *config[f"env.java.opts.{role}"].split()]
    allowed = ["-Djava.security.manager=allow"] if java.major > 17 else []
    return ["-XX:+IgnoreUnrecognizedVMOptions", *options, *allowed]


def environment(home: Path) -> dict[str, str]:
    """The variables by which Flink finds its folders."""
    folders = {name: str(home / name) for name in ("conf", "lib", "opt", "plugins", "bin")}
    return {f"FLINK_{name.upper()}_DIR": folder for name, folder in folders.items()}
