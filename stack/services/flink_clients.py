"""Flink's clients of this stack, `bin/flink` and `bin/sql-client.sh`, each as one Java command.

Flink's own scripts start another JVM before, to read the configuration. And they load the SQL planner from a jar within
a jar, whose classes cannot be archived. These two start with archived classes instead, planner included, so that a
submission takes two thirds of the time.
"""

import shlex
from typing import NamedTuple

from stack.services import jars
from stack.services.cds_archives import archive_client, client_flags, listing_flag
from stack.services.flink_home import CLIENT_LOG, flink_home
from stack.services.flink_processes import GATEWAY_JAR, QUICK, classpath, environment, java_options, library, optional
from stack.services.java import Java
from stack.services.settings import StackSettings


class Client(NamedTuple):
    """A script in `bin`: its log, its main class, and the jars of `opt` that it needs."""

    script: str
    log: str
    main: str
    optional: tuple[str, ...] = ()


class Flags(NamedTuple):
    """JVM flags of both clients: those of each run, and the one of the first few runs, if any."""

    always: list[str]
    listing: str


SQL_JARS = (GATEWAY_JAR, "flink-sql-client-*.jar")
CLIENTS = (
    Client("flink", "flink-client.log", "org.apache.flink.client.cli.CliFrontend"),
    Client("sql-client.sh", "sql-client.log", "org.apache.flink.table.client.SqlClient", SQL_JARS),
)
PLANNER_LOADER = "flink-table-planner-loader-"
PLANNER_CLASS = "org/apache/flink/table/planner/delegation/StreamPlanner"
SUBMISSION_CLASS = "org/apache/flink/client/cli/CliFrontend"
# Like Flink's own scripts: another configuration and folder of logs by environment variable, options in JVM_ARGS.
# Until there is an archive, the first few runs list their classes: a list has 1.5 MB.
SCRIPT = """\
#!/bin/sh
# Written by `depthflow up`.
[ -n "$FLINK_CONF_DIR" ] || FLINK_CONF_DIR={conf}
[ -n "$FLINK_LOG_DIR" ] || FLINK_LOG_DIR={logs}
export FLINK_CONF_DIR {folders}
LISTING={listing}
[ "$(ls {classes} | wc -l)" -lt 8 ] || LISTING=
exec {java} $JVM_ARGS ${{LISTING:+"$LISTING"}} {options} \\
  -Dlog.file="$FLINK_LOG_DIR/{log}" -Dlog4j.configurationFile="$FLINK_CONF_DIR/{log_settings}" \\
  -classpath {classpath} {main} "$@"
"""


def write(settings: StackSettings, java: Java) -> None:
    """Replace Flink's scripts in the stack's FLINK_HOME, which is laid out.

    The archive belongs to the jars that both clients share; further ones follow them.
    """
    shared = [jars.flink_planner(jar) if jar.name.startswith(PLANNER_LOADER) else jar for jar in library(settings)]
    archived = client_flags(java, classpath(*shared))
    flags = Flags(
        [*QUICK, *archived, *java_options(settings, java, "client")],
        "" if archived else listing_flag(settings, java, classpath(*shared)),
    )
    for client in CLIENTS:
        own = classpath(*shared, *optional(settings, *client.optional))
        (flink_home(settings) / "bin" / client.script).write_text(_script(settings, java, client, flags, own))


def archive(settings: StackSettings) -> None:
    """Archive the classes of an earlier submission, for later ones; of one of the SQL client if there was no other."""
    archive_client(settings, PLANNER_CLASS, SUBMISSION_CLASS)


def _script(settings: StackSettings, java: Java, client: Client, flags: Flags, classpath: str) -> str:
    folders = environment(flink_home(settings))
    return SCRIPT.format(
        conf=shlex.quote(folders.pop("FLINK_CONF_DIR")),
        folders=" ".join(f"{key}={shlex.quote(folder)}" for key, folder in folders.items()),
        java=shlex.quote(str(java.executable)),
        listing=shlex.quote(flags.listing),
        classes=shlex.quote(str(settings.home / "classes")),
        options=shlex.join(flags.always),
        logs=shlex.quote(str(settings.home / "logs" / "flink")),
        log=client.log,
        log_settings=CLIENT_LOG,
        classpath=shlex.quote(classpath),
        main=client.main,
    )
