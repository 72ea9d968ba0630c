"""What knows the outside: table environments, connector options, the way from SQL rows to a keyed stream."""

import os
from collections.abc import Mapping
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict
from pyflink.common.typeinfo import TypeInformation, Types
from pyflink.datastream import KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table

from market.alert_rules import THRESHOLDS, alert_rules
from market.errors import UserError
from market.kafka import java_client
from market.settings import Settings

# What pays on the producer's side (measured: flink.md §11) and what a broker allows a transaction to last.
PRODUCER = {
    "compression.type": "lz4",
    "linger.ms": "5",
    "batch.size": "262144",
    "max.request.size": str(16 * 1024 * 1024),
    "transaction.timeout.ms": "900000",
}
# A 16 MB record must fit through a reader, too.
CONSUMER = {"max.partition.fetch.bytes": str(16 * 1024 * 1024), "fetch.max.bytes": str(64 * 1024 * 1024)}

# Partitions are drained one fetch after the other. In a backlog a long one keeps the others silent until they count as
# idle, and their rows then as late: small fetches read all partitions at one pace. Larger records still pass.
EVENLY = {"max.partition.fetch.bytes": str(128 * 1024)}
# The connector waits one second longer before each retry: a database that is away for a minute stalls the job, no more.
DATABASE_RETRIES = 14


class WithoutCheckpoints(UserError):
    """A job that would write and never commit."""


def table_environment(settings: Settings, job: str) -> StreamTableEnvironment:
    """A streaming table environment whose one job carries the given name, behind the prefix of its topics.

    Raises WithoutCheckpoints when exactly-once outputs are asked for that no checkpoint would ever commit.
    """
    environment = StreamExecutionEnvironment.get_execution_environment()
    if (
        settings.delivery_guarantee == "exactly-once"
        and not environment.get_checkpoint_config().is_checkpointing_enabled()
    ):
        raise WithoutCheckpoints(
            "execution.checkpointing.interval is not set, so that nothing would ever be committed: FLINK_CONF_DIR "
            f"({os.environ.get('FLINK_CONF_DIR', 'not set')}) must be the cluster's configuration, or submit with "
            "-Dexecution.checkpointing.interval=1s"
        )
    tables = StreamTableEnvironment.create(environment)
    tables.get_config().set("pipeline.name", settings.topic_prefix + job).set("table.local-time-zone", "UTC")
    return tables


def sql_options(settings: Settings, job: str) -> dict[str, str]:
    """What the files of `sql/` may ask for by name, as a job of that name asks."""
    return {
        "job": job,
        "start": from_group(settings, job),
        "kafka": properties(java_client(settings) | CONSUMER),
        "kafka_evenly": properties(java_client(settings) | EVENLY),
        "prefix": settings.topic_prefix,
        "producer": properties(PRODUCER),
        "batch_window_s": f"{settings.batch_window_ms / 1000:.3f}",
        "delivery_guarantee": settings.delivery_guarantee,
        **alert_defaults(settings),
        "idle_timeout": f"{settings.idle_partition_s:g} s",
        "idle_trades": f"{settings.idle_trades_s:g} s",
        "alerts_isolation": settings.alerts_isolation,
        "batches": with_clause(
            {
                "sink.buffer-flush.max-rows": str(settings.database_batch_rows),
                "sink.buffer-flush.interval": f"{settings.database_flush_ms} ms",
                "sink.max-retries": str(DATABASE_RETRIES),
            }
        ),
        "database": database(settings.postgres_dsn.get_secret_value()) if settings.postgres_dsn else "",
    }


def from_group(settings: Settings, job: str) -> str:
    """Where a job's sources begin: where its group was last, at first with the oldest record."""
    return with_clause(
        {
            "properties.group.id": f"{settings.topic_prefix}depthflow-{job}",
            "properties.auto.offset.reset": "earliest",
            "scan.startup.mode": "group-offsets",
        }
    )


def alert_defaults(settings: Settings) -> dict[str, str]:
    """What alerts are judged by, as SQL literals: thresholds where `alert.rules` says nothing, as doubles, and times.

    Readings of chains come by the minute at the least: without one for a minute and `stale_after_s`, a chain is gone.
    """
    doubles = {
        f"{rule.name}_{name}": getattr(rule.default, name)
        for rule in alert_rules(settings).values()
        for name in THRESHOLDS
    }
    silence_s = 60 + settings.stale_after_s
    times = {"chain_silence_s": f"{silence_s:.3f}", "chain_silence_ms": str(round(1000 * silence_s))}
    times["held_ms"] = str(settings.alert_held_ms)
    return {name: f"{value:.16E}" for name, value in doubles.items()} | times


def properties(options: Mapping[str, str]) -> str:
    """Kafka client options as lines of a WITH clause."""
    return with_clause({f"properties.{name}": value for name, value in options.items()})


def with_clause(options: Mapping[str, str]) -> str:
    """Options as lines of a WITH clause, quotes doubled as SQL wants."""
    quoted = {name: value.replace("'", "''") for name, value in options.items()}
    return ",\n  ".join(f"'{name}' = '{value}'" for name, value in quoted.items())


def database(dsn: str) -> str:
    """A libpq connection string or URL as lines of a JDBC WITH clause.

    `stringtype=unspecified` lets text go into columns of types that the connector does not know (jsonb, uuid, arrays).
    """
    parts = conninfo_to_dict(dsn)
    place = f"{parts.pop('host', 'localhost')}:{parts.pop('port', 5432)}/{parts.pop('dbname', 'postgres')}"
    login = {"username": parts.pop("user", None), "password": parts.pop("password", None)}
    query = urlencode({"stringtype": "unspecified"} | parts)
    return with_clause({"url": f"jdbc:postgresql://{place}?{query}"} | {k: str(v) for k, v in login.items() if v})


def keyed_rows(
    tables: StreamTableEnvironment, table: Table, key_type: TypeInformation, value_type: TypeInformation
) -> KeyedStream:
    """A KeyedStream over the (key, ROW(...)) rows of a table, without the Python map that `key_by` inserts.

    `key_by` of PyFlink is a Python stage that prepends the key, hence a second crossing (53k against 66k frames/s). SQL
    gives the (key, row) shape here, and the Java selector that `key_by` installs is reused. It touches private names:
    they are kept in this one function, which has a test of its own.
    """
    rows = tables.to_append_stream(table, Types.ROW([key_type, value_type]))
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    keyed = rows._j_data_stream.keyBy(selector, Types.ROW([key_type]).get_java_type_info())
    return KeyedStream(keyed, value_type, rows)
