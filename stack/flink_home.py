"""Flink as this stack runs it: a home of links to the Python package's files, with our connectors and configuration.

Nothing in the Python package is changed. The home is a complete FLINK_HOME: `bin/flink` and `bin/sql-client.sh` work
from it.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stack import jars
from stack.errors import StackError
from stack.java import Java
from stack.settings import LOOPBACK, ROOT, StackSettings

CLIENT_LOG = "log4j-cli.properties"
ROLES = ("jobmanager", "taskmanager", "client", "sql-gateway")


def flink_home(settings: StackSettings) -> Path:
    """The FLINK_HOME of this stack."""
    return settings.home / "flink"


def lay_out(settings: StackSettings, java: Java) -> None:
    """Lay out FLINK_HOME: scripts copied (they follow links to find it), jars linked, configuration rendered."""
    package, home = flink_package(), flink_home(settings)
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(package / "bin", home / "bin")
    shutil.copytree(package / "conf", home / "conf")
    _link((package / "plugins").iterdir(), home / "plugins")
    _link(
        (*(package / "lib").glob("*.jar"), *(package / "opt").glob("flink-python-*.jar"), *jars.flink_lib_jars()),
        home / "lib",
    )
    _link((*(package / "opt").glob("*.jar"), *jars.flink_opt_jars()), home / "opt")
    (home / "conf" / "config.yaml").write_text(render_config(settings, java))
    with (home / "conf" / CLIENT_LOG).open("a") as log:
        log.write("\n" + (ROOT / "flink-conf" / CLIENT_LOG).read_text())


def render_config(settings: StackSettings, java: Java) -> str:
    """What Flink ships, overlaid by `flink-conf/config.yaml`, then by what only this stack can know; one key a line."""
    import yaml

    layers = (flink_package() / "conf" / "config.yaml", ROOT / "flink-conf" / "config.yaml")
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= flatten(yaml.safe_load(layer.read_text()))
    merged |= local_keys(settings, java)
    # Jobs are unpacked below java.io.tmpdir, in a folder that the first user of /tmp keeps to himself.
    for role in ROLES:
        merged[f"env.java.opts.{role}"] += f" -Djava.io.tmpdir={settings.home / 'tmp'}"
    return "".join(f"{key}: {_scalar(value)}\n" for key, value in merged.items())


def local_keys(settings: StackSettings, java: Java) -> dict[str, str]:
    """Addresses, paths and memory of this stack."""
    home, python = settings.home, sys.executable
    return {
        "jobmanager.rpc.address": LOOPBACK,
        "jobmanager.rpc.port": str(settings.flink_rpc_port),
        "jobmanager.bind-host": LOOPBACK,
        "jobmanager.memory.process.size": settings.flink_jobmanager_memory,
        "taskmanager.host": LOOPBACK,
        "taskmanager.bind-host": LOOPBACK,
        "taskmanager.memory.process.size": settings.flink_taskmanager_memory,
        "rest.address": LOOPBACK,
        "rest.bind-address": LOOPBACK,
        "rest.port": str(settings.flink_port),
        "sql-gateway.endpoint.rest.address": LOOPBACK,
        "execution.checkpointing.dir": (home / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (home / "savepoints").as_uri(),
        "io.tmp.dirs": str(home / "tmp"),
        "env.java.home": str(java.home),
        "env.log.dir": str(home / "logs" / "flink"),
        "env.pid.dir": str(home / "run"),
        "python.executable": python,
        "python.client.executable": python,
    }


def flink_package() -> Path:
    """The folder of the installed `apache-flink` package, found without importing it."""
    spec = find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise StackError("The package apache-flink is not installed", "pip install 'depthflow[stack]'")
    return Path(spec.origin).parent


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested YAML as Flink reads it: one dotted key for each leaf."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _scalar(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'" if any(mark in text for mark in (": ", " #", "'")) else text


def _link(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in files:
        os.symlink(file, folder / file.name)
