"""Flink's clients of this stack, `bin/flink` and `bin/sql-client.sh`, each as one Java command.

Flink's own scripts start another JVM before, to read the configuration. And they load the SQL planner from a jar within
a jar, whose classes cannot be archived. These two start with archived classes instead, planner included, so that a
submission takes two thirds of the time.
"""

import shlex
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from stack.services import jars
from stack.services.cds_archives import archive_client, class_lists, client_flags
from stack.services.errors import StackError
from stack.services.flink_home import CLIENT_LOG, flink_home
from stack.services.flink_processes import GATEWAY_JAR, QUICK, classpath, environment, java_options, library, optional
from stack.services.java import Java, find_java
from stack.services.settings import StackSettings


class Client(NamedTuple):
    """A script in `bin`: its log, its main class, and the jars of `opt` that it needs."""

    script: str
    log: str
    main: str
    optional: tuple[str, ...] = ()


SQL_JARS = (GATEWAY_JAR, "flink-sql-client-*.jar")
CLIENTS = (
    Client("flink", "flink-client.log", "org.apache.flink.client.cli.CliFrontend"),
    Client("sql-client.sh", "sql-client.log", "org.apache.flink.table.client.SqlClient", SQL_JARS),
)
PLANNER_LOADER = "flink-table-planner-loader-"
PLANNER_CLASS = "org/apache/flink/table/planner/delegation/StreamPlanner"
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
            archive_client(settings, find_java(), classpath(*_shared(settings)), PLANNER_CLASS)


def _script(settings: StackSettings, java: Java, client: Client) -> str:
    folders, shared = environment(flink_home(settings)), _shared(settings)
    flags = [*QUICK, *client_flags(settings, java, classpath(*shared)), *java_options(settings, "client")]
    return SCRIPT.format(
        conf=folders.pop("FLINK_CONF_DIR"),
        folders=" ".join(f"{key}={folder}" for key, folder in folders.items()),
        java=shlex.quote(str(java.executable)),
        options=shlex.join(flags),
        logs=settings.home / "logs" / "flink",
        log=client.log,
        log_settings=CLIENT_LOG,
        classpath=shlex.quote(classpath(*shared, *optional(settings, *client.optional))),
        main=client.main,
    )


def _shared(settings: StackSettings) -> list[Path]:
    """The jars of both clients. The archive belongs to these; further ones may follow them."""
    return [jars.flink_planner(jar) if jar.name.startswith(PLANNER_LOADER) else jar for jar in library(settings)]
