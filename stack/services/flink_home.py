"""The stack's FLINK_HOME: links to the files of the Python package, with our connectors and configuration.

The Python package stays unchanged. `bin/flink` and `bin/sql-client.sh` work from this folder.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.resources import DATA
from stack.services import jars
from stack.services.errors import StackError
from stack.services.java import Java
from stack.services.settings import LOOPBACK, StackSettings

CLIENT_LOG = "log4j-cli.properties"  # of commands that submit jobs
CONSOLE_LOG = "log4j-console.properties"  # of every process of the cluster


def flink_home(settings: StackSettings) -> Path:
    """The FLINK_HOME of this stack."""
    return settings.home / "flink"


def distribution(settings: StackSettings) -> Path:
    """The jar of Flink's distribution."""
    return next((flink_home(settings) / "lib").glob("flink-dist-*.jar"))


def lay_out(settings: StackSettings, java: Java) -> None:
    """Lay out FLINK_HOME: scripts copied, jars linked, configuration rendered.

    Scripts are not linked, because they follow links to find FLINK_HOME.
    """
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
    copy_log_settings(home)


def copy_log_settings(home: Path) -> None:
    """Copy the settings of the logs into a FLINK_HOME."""
    for name in (CLIENT_LOG, CONSOLE_LOG):
        shutil.copy(DATA / "flink-conf" / name, home / "conf" / name)


def render_config(settings: StackSettings, java: Java) -> str:
    """Flink's own configuration, overlaid by `flink-conf/config.yaml` and then by `local_keys`; one key per line."""
    merged = shared_keys(flink_package()) | local_keys(settings, java)
    # Jobs are unpacked below java.io.tmpdir, in a folder that other users of /tmp cannot write to. The processes of the
    # stack have folders of their own below it (flink_processes.py).
    merged["env.java.opts.client"] += f" -Djava.io.tmpdir={settings.home / 'tmp'}"
    return as_yaml(merged)


def shared_keys(distribution: Path) -> dict[str, Any]:
    """Keys of a distribution's own configuration, overlaid by those of `flink-conf/config.yaml`."""
    import yaml

    layers = (distribution / "conf" / "config.yaml", DATA / "flink-conf" / "config.yaml")
    return {key: value for layer in layers for key, value in flatten(yaml.safe_load(layer.read_text())).items()}


def as_yaml(keys: dict[str, Any]) -> str:
    """Keys as Flink's configuration file, one per line."""
    return "".join(f"{key}: {_scalar(value)}\n" for key, value in keys.items())


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
    """Nested YAML as flat keys, one dotted key per leaf, as Flink reads it."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _scalar(value: Any) -> str:
    """A value in YAML, quoted where it would otherwise be read as something else."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("'", "''") + "'" if any(mark in text for mark in (": ", " #", "'")) else text


def _link(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in files:
        os.symlink(file, folder / file.name)
