"""Flink's clients of this stack, `bin/flink` and `bin/sql-client.sh`, each as one Java command.

Flink's own scripts start another JVM before, to read the configuration. And they load the SQL planner from a jar within
a jar, whose classes cannot be archived. These two start with archived classes instead, planner included, so that a
submission takes two thirds of the time.
"""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import yaml

from stack.services import jars
from stack.services.cds_archives import archive_client, class_lists, client_flags
from stack.services.errors import StackError
from stack.services.flink_home import CLIENT_LOG, flink_home
from stack.services.flink_processes import QUICK, environment, library
from stack.services.java import Java, find_java
from stack.services.settings import StackSettings


class Client(NamedTuple):
    """A script in `bin`: its log, its main class, and the jars of `opt` that it needs."""

    script: str
    log: str
    main: str
    optional: tuple[str, ...] = ()


SQL_JARS = ("flink-sql-gateway-*.jar", "flink-sql-client-*.jar")
CLIENTS = (
    Client("flink", "flink-client.log", "org.apache.flink.client.cli.CliFrontend"),
    Client("sql-client.sh", "sql-client.log", "org.apache.flink.table.client.SqlClient", SQL_JARS),
)
PLANNER_LOADER = "flink-table-planner-loader-"
PLANNER = "org/apache/flink/table/planner/delegation/StreamPlanner"
# Like Flink's own scripts: another configuration and folder of logs by environment variable, options in JVM_ARGS.
SCRIPT = """\
#!/bin/sh
# Written by `depthflow up`.
export FLINK_CONF_DIR="${{FLINK_CONF_DIR:-{conf}}}" {folders}
exec {java} $JVM_ARGS {options} \\
  -Dlog.file="${{FLINK_LOG_DIR:-{logs}}}/{log}" -Dlog4j.configurationFile="$FLINK_CONF_DIR/{log_settings}" \\
  -classpath {classpath} {main} "$@"
"""


def write(settings: StackSettings, java: Java) -> None:
    """Replace Flink's scripts in the stack's FLINK_HOME, which is laid out."""
    for client in CLIENTS:
        (flink_home(settings) / "bin" / client.script).write_text(_script(settings, java, client))


def archive(settings: StackSettings) -> None:
    """Archive the classes of an earlier submission, for later ones. Nothing is lost when Java is gone by then."""
    if class_lists(settings):
        with suppress(StackError):
            archive_client(settings, find_java(), _classpath(settings), PLANNER)


def _script(settings: StackSettings, java: Java, client: Client) -> str:
    home, shared = flink_home(settings), _classpath(settings)
    config = yaml.safe_load((home / "conf" / "config.yaml").read_text())
    own = [*config["env.java.opts.all"].split(), *config["env.java.opts.client"].split()]
    folders = environment(home)
    return SCRIPT.format(
        conf=folders.pop("FLINK_CONF_DIR"),
        folders=" ".join(f"{key}={folder}" for key, folder in folders.items()),
        java=shlex.quote(str(java.executable)),
        options=shlex.join([*QUICK, *client_flags(settings, java, shared), "-XX:+IgnoreUnrecognizedVMOptions", *own]),
        logs=config["env.log.dir"],
        log=client.log,
        log_settings=CLIENT_LOG,
        classpath=shlex.quote(":".join([shared, *(_optional(home, pattern) for pattern in client.optional)])),
        main=client.main,
    )


def _classpath(settings: StackSettings) -> str:
    """The jars of both clients. The archive belongs to these; further ones may follow them."""
    return ":".join(
        str(jars.flink_planner(jar) if jar.name.startswith(PLANNER_LOADER) else jar) for jar in library(settings)
    )


def _optional(home: Path, pattern: str) -> str:
    return str(next((home / "opt").glob(pattern)).resolve())
