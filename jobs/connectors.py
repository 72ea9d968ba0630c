"""Connections to the outside: table environments, connector options, a keyed stream from SQL rows."""

import os
from collections.abc import Mapping
from urllib.parse import urlencode

from pyflink.common.typeinfo import TypeInformation, Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table

from core.errors import UserError
from core.kafka_client import java_client_options
from core.settings import Settings

# Producer options that raised throughput (docs/pyflink.md).
PRODUCER = {
    "compression.type": "lz4",
    "linger.ms": "5",
    "batch.size": "262144",
    "max.request.size": str(16 * 1024 * 1024),
}
# A record of 16 MB must fit into one fetch.
CONSUMER = {"max.partition.fetch.bytes": str(16 * 1024 * 1024), "fetch.max.bytes": str(64 * 1024 * 1024)}
# For `sources/raw_frames`: forwarders send every few milliseconds. Without a minimum, each of these small sends is a
# fetch of its own: at 10,000 frames/s a fifth of a core more for broker and source (docs/performance.md). Other sources
# are often at rest; with these options each of them would ask the broker a hundred times a second, not twice.
FRAMES = CONSUMER | {"fetch.min.bytes": str(64 * 1024), "fetch.max.wait.ms": "10"}

# Small fetches, since fetched data of every source of a job shares the heap, and since they read the partitions of a
# backlog at one pace: while a large fetch of one is drained, the others are silent. A larger record still passes.
EVENLY = {"max.partition.fetch.bytes": str(128 * 1024)}
UNBOUNDED = {"scan.bounded.mode": "unbounded"}
# For statements that the database refuses now and takes later, such as the loser of a deadlock; the connector waits one
# second longer before each. A connection that cannot be made again ends the task at once: the job restarts.
DATABASE_RETRIES = 14


class WithoutCheckpoints(UserError):
    """Exactly-once output without checkpoints: the job would write and never commit."""


def table_environment(settings: Settings, job: str) -> StreamTableEnvironment:
    """A streaming table environment for one job, named by the topic prefix and the given name.

    Raises WithoutCheckpoints for exactly-once output without checkpoints, which would never be committed.
    """
    environment = StreamExecutionEnvironment.get_execution_environment()
    if (
        settings.delivery_guarantee == "exactly-once"
        and not environment.get_checkpoint_config().is_checkpointing_enabled()
    ):
        raise WithoutCheckpoints(
            "execution.checkpointing.interval is not set, so exactly-once output would never be committed: set "
            f"FLINK_CONF_DIR ({os.environ.get('FLINK_CONF_DIR', 'not set')}) to the cluster's configuration, or submit "
            "with -Dexecution.checkpointing.interval=1s"
        )
    tables = StreamTableEnvironment.create(environment)
    tables.get_config().set("pipeline.name", settings.topic_prefix + job).set("table.local-time-zone", "UTC")
    return tables


def sql_options(settings: Settings, job: str) -> dict[str, str]:
    """Options of the files of `sql/` that all jobs share, for the job of the given name."""
    return {
        "job": job,
        "start": from_group(settings, job),
        "kafka": properties(java_client_options(settings) | CONSUMER),
        "rules_end": with_clause(UNBOUNDED),
        "kafka_frames": properties(java_client_options(settings) | FRAMES),
        "kafka_evenly": properties(java_client_options(settings) | EVENLY),
        "prefix": settings.topic_prefix,
        "producer": properties(PRODUCER | {"transaction.timeout.ms": str(1000 * settings.transaction_timeout_s)}),
        "run": f"-{settings.run_id}" if settings.run_id else "",
        "batch_window_s": f"{settings.batch_window_ms / 1000:.3f}",
        "delivery_guarantee": settings.delivery_guarantee,
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
    """Start of a job's sources: the offsets of its consumer group, or the oldest record for a new group."""
    return with_clause(
        {
            "properties.group.id": f"{settings.topic_prefix}depthflow-{job}",
            "properties.auto.offset.reset": "earliest",
            "scan.startup.mode": "group-offsets",
        }
    )


def properties(options: Mapping[str, str]) -> str:
    """Kafka client options as lines of a WITH clause."""
    return with_clause({f"properties.{name}": value for name, value in options.items()})


def with_clause(options: Mapping[str, str]) -> str:
    """Options as lines of a WITH clause, with quotes doubled."""
    quoted = {name: value.replace("'", "''") for name, value in options.items()}
    return ",\n  ".join(f"'{name}' = '{value}'" for name, value in quoted.items())


def database(dsn: str) -> str:
    """A libpq connection string or URL as lines of a JDBC WITH clause.

    `stringtype=unspecified` lets the database cast text to types that the connector does not support (jsonb, uuid,
    arrays).
    """
    from psycopg.conninfo import conninfo_to_dict  # only jobs that use the database import it

    parts = conninfo_to_dict(dsn)
    address = f"{parts.pop('host', 'localhost')}:{parts.pop('port', 5432)}/{parts.pop('dbname', 'postgres')}"
    login = {"username": parts.pop("user", None), "password": parts.pop("password", None)}
    query = urlencode({"stringtype": "unspecified"} | parts)
    return with_clause({"url": f"jdbc:postgresql://{address}?{query}"} | {k: str(v) for k, v in login.items() if v})


def keyed_rows(
    tables: StreamTableEnvironment, table: Table, key_type: TypeInformation, value_type: TypeInformation
) -> KeyedStream:
    """A KeyedStream over the (key, ROW(...)) rows of a table."""
    return keyed(tables.to_append_stream(table, Types.ROW([key_type, value_type])), key_type, value_type)


def keyed(rows: DataStream, key_type: TypeInformation, value_type: TypeInformation) -> KeyedStream:
    """A KeyedStream over (key, ROW(...)) rows, without the Python map that `key_by` inserts.

    `key_by` of PyFlink is a Python stage that prepends the key: a second crossing into Python (53k against 66k frames/s
    on two cores). Here SQL provides the (key, row) shape, and the Java selector that `key_by` installs is reused. It
    uses private names of PyFlink, and has its own test.
    """
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    stream = rows._j_data_stream.keyBy(selector, Types.ROW([key_type]).get_java_type_info())
    return KeyedStream(stream, value_type, rows)
