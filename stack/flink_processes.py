"""The JobManager, the TaskManagers and the SQL gateway as Java commands.

Flink's start scripts start three more JVMs before each of these, to read the configuration. The answer is the same for
every TaskManager, so it is asked once here: the cluster is up seconds sooner, and so is a TaskManager that died.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import yaml

from stack.archives import archive_flags
from stack.errors import StackError
from stack.flink_home import flink_home
from stack.java import Java
from stack.processes import Program
from stack.settings import LOOPBACK, StackSettings

RESULT = "BASH_JAVA_UTILS_EXEC_RESULT:"
JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
GATEWAY = "org.apache.flink.table.gateway.SqlGateway"
SQL_GATEWAY = "sql-gateway"
GATEWAY_HEAP = "-Xmx512m"
QUICK = ["-XX:TieredStopAtLevel=1"]


class Memory(NamedTuple):
    """What follows from the memory settings."""

    flags: list[str]  # of the JVM
    keys: list[str]  # of the configuration


def programs(settings: StackSettings, java: Java) -> list[Program]:
    """One JobManager, one-slot TaskManagers under fixed resource ids, and an SQL gateway that waits to be asked for.

    By its id the JobManager sees that a TaskManager which registers again had died, before any heartbeat is missed.
    The JobManager makes do with the quick compiler: it moves no records, and it starts in half the time.
    """
    with ThreadPoolExecutor() as pool:
        manager, worker = pool.map(lambda role: _memory(settings, java, role), ("JM", "TM"))
    conf = ["--configDir", str(flink_home(settings) / "conf")]
    return [
        _program(settings, java, "jobmanager", [*QUICK, *manager.flags], [JOBMANAGER, *conf, *manager.keys]),
        *(
            _program(
                settings,
                java,
                name,
                worker.flags,
                [TASKMANAGER, *conf, *worker.keys, "-D", f"taskmanager.resource-id={name}"],
            )
            for name in settings.taskmanagers
        ),
        replace(_program(settings, java, SQL_GATEWAY, [*QUICK, GATEWAY_HEAP], _gateway(settings)), wanted=False),
    ]


def _gateway(settings: StackSettings) -> list[str]:
    """The gateway's main class and what it is told; it finds the configuration by the environment."""
    endpoint = {"bind-address": LOOPBACK, "port": str(settings.flink_gateway_port)}
    return [GATEWAY, *(f"-Dsql-gateway.endpoint.rest.{key}={value}" for key, value in endpoint.items())]


def _program(settings: StackSettings, java: Java, name: str, flags: list[str], main: list[str]) -> Program:
    home = flink_home(settings)
    config = yaml.safe_load((home / "conf" / "config.yaml").read_text())
    role, _, number = name.partition("-") if name != SQL_GATEWAY else (name, "", "")
    classpath = _classpath(home, "flink-sql-gateway-*.jar" if name == SQL_GATEWAY else "")
    command = [
        str(java.executable),
        *flags,
        *archive_flags(settings, java, role, classpath, writes=number in ("", "1")),
        "-XX:+IgnoreUnrecognizedVMOptions",
        *config["env.java.opts.all"].split(),
        *config[f"env.java.opts.{role}"].split(),
        *(["-Djava.security.manager=allow"] if java.major > 17 else []),
        f"-Dlog.file={settings.home / 'logs' / 'flink' / name}.log",
        f"-Dlog4j.configurationFile={home / 'conf' / 'log4j-console.properties'}",
        "-classpath",
        classpath,
        *main,
    ]
    return Program(name, command, _environment(home))


def _memory(settings: StackSettings, java: Java, role: str) -> Memory:
    """The memory of a JobManager (JM) or TaskManager (TM), worked out by Flink's own tool."""
    home = flink_home(settings)
    tool = "org.apache.flink.runtime.util.bash.BashJavaUtils"
    classpath = f"{home / 'bin' / 'bash-java-utils.jar'}:{_dist(home)}"
    command = [str(java.executable), "-cp", classpath, tool, f"GET_{role}_RESOURCE_PARAMS"]
    answer = subprocess.run([*command, "--configDir", str(home / "conf")], capture_output=True, text=True)
    results = [line.removeprefix(RESULT).split() for line in answer.stdout.splitlines() if line.startswith(RESULT)]
    if answer.returncode or len(results) != 2:
        raise StackError(
            "Flink refuses its configuration",
            f"Look at {home / 'conf' / 'config.yaml'}, and at FLINK_TASKMANAGER_MEMORY and FLINK_JOBMANAGER_MEMORY",
            (answer.stderr or answer.stdout).strip()[-2000:],
        )
    return Memory(results[0], results[1])


def _classpath(home: Path, optional: str = "") -> str:
    """Every jar by name, the distribution last, as Flink's scripts order them, then the `optional` ones of `opt`.

    Links are resolved, for the archives.
    """
    jars = sorted(jar for jar in (home / "lib").glob("*.jar") if jar != _dist(home))
    more = (home / "opt").glob(optional) if optional else ()
    return ":".join(str(jar.resolve()) for jar in [*jars, _dist(home), *more])


def _dist(home: Path) -> Path:
    return next((home / "lib").glob("flink-dist-*.jar"))


def _environment(home: Path) -> dict[str, str]:
    folders = {name: str(home / name) for name in ("conf", "lib", "opt", "plugins", "bin")}
    return {f"FLINK_{name.upper()}_DIR": folder for name, folder in folders.items()}
