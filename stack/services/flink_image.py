"""Steps of the build of the jobs' image (deploy/images/flink.Dockerfile): jars, configuration, check of the imports."""

import ctypes
import shutil
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from jobs.submit import JOBS
from stack.services import jars
from stack.services.flink_home import as_yaml, copy_log_settings, shared_keys

app = typer.Typer(help="Steps of the build of the jobs' image.", no_args_is_help=True)

ANY = "0.0.0.0"
CONTAINER_KEYS = {
    "jobmanager.bind-host": ANY,
    "taskmanager.bind-host": ANY,
    "rest.bind-address": ANY,
    "io.tmp.dirs": "/tmp",
    "metrics.reporter.prom.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
    "metrics.reporter.prom.port": "9250",
    "metrics.reporter.prom.filterLabelValueCharacters": "false",
}
OWN_ADDRESS = ("taskmanager.host", "rest.address", "jobmanager.rpc.address")  # given by the service that runs

Folder = Annotated[Path, typer.Argument(file_okay=False)]


@app.command("jars")
def copy_jars(folder: Folder) -> None:
    """Copy the connectors into the build context.

    Example: python -m stack.services.flink_image jars dist/jars
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for jar in jars.flink_lib_jars():
        shutil.copy2(jar, folder)


@app.command()
def configure(home: Folder) -> None:
    """Write the configuration of every process of the image into a Flink distribution.

    Example: python -m stack.services.flink_image configure /opt/flink
    """
    keys = shared_keys(home) | CONTAINER_KEYS
    keys |= {"python.executable": sys.executable, "python.client.executable": sys.executable}
    (home / "conf" / "config.yaml").write_text(as_yaml({k: v for k, v in keys.items() if k not in OWN_ADDRESS}))
    copy_log_settings(home)


@app.command()
def check() -> None:
    """Import the jobs, and load the shared libpython that thread mode needs.

    Example: python -m stack.services.flink_image check
    """
    ctypes.CDLL(str(Path(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"))))
    for module in ("pemja", *(path.removesuffix(".py").replace("/", ".") for path in JOBS.values())):
        import_module(module)


if __name__ == "__main__":
    app()
