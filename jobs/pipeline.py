"""From raw topics through keepers to the topics of what they say: the one pipeline of the books and options jobs."""

from collections.abc import Iterable

from pyflink.datastream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from jobs.connectors import keyed_rows, sql_options, table_environment
from jobs.keeping import Keeping
from jobs.operators import BATCH, KEY, OUTPUT, KeeperOperator
from jobs.relations import declare, insert
from market.settings import Settings
from market.topics import Topic

RELATIONS = ("sources/raw_frames", "sources/frame_batches", "sinks/lines_sink")


def keep(batches: KeyedStream, keeping: Keeping, job: str, cached: int, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, payload) for the batches of each key; payload: JSON lines joined by newlines."""
    operator = KeeperOperator(keeping, cached, settings.topic_prefix)
    # Lines are split and sent by a thread of their own, beside Python: together they would be one thread's work.
    return batches.process(operator, OUTPUT).name(job).uid(job).disable_chaining()


def options(settings: Settings, job: str, keeping: Keeping) -> dict[str, str]:
    """What the relations of the pipeline ask for: beside the common options, the job's own topics."""
    own = {"reads": _names(settings, keeping.reads), "writes": _names(settings, keeping.writes)}
    return sql_options(settings, job) | own


def batches(settings: Settings, job: str, keeping: Keeping) -> tuple[StreamTableEnvironment, KeyedStream]:
    """The job's table environment and its raw records in batches by key."""
    tables = table_environment(settings, job)
    declare(tables, RELATIONS, options(settings, job, keeping))
    return tables, keyed_rows(tables, tables.from_path("frame_batches"), KEY, BATCH)


def publish(tables: StreamTableEnvironment, outputs: DataStream) -> None:
    """Send every output line to its topic, in one statement set, hence one job."""
    tables.create_temporary_view("outputs", outputs)
    statements = tables.create_statement_set()
    insert(statements, ["inserts/lines"])
    statements.execute()


def _names(settings: Settings, topics: Iterable[Topic]) -> str:
    return ";".join(settings.topic_prefix + topic.name for topic in topics)
