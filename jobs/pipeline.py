"""Pipeline of the books and options jobs: raw topics, one builder per key, output topics."""

from collections.abc import Iterable

from pyflink.datastream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from core.settings import Settings
from core.topics import Topic
from jobs.builder_specs import BuilderSpec
from jobs.connectors import keyed_rows, sql_options, table_environment
from jobs.operators import BATCH, KEY, OUTPUT, BuilderOperator
from jobs.sql_files import declare, insert

RELATIONS = ("sources/raw_frames", "views/frame_batches", "sinks/job_output_sink")


def apply_builders(batches: KeyedStream, spec: BuilderSpec, job: str, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, lines) for the batches of each key; lines: an array of JSON as bytes."""
    operator = BuilderOperator(spec, settings.builder_cache_mb * 1024**2, settings.topic_prefix)
    # Unchained, so that sending the lines has a thread of its own, apart from Python's.
    return batches.process(operator, OUTPUT).name(job).uid(job).disable_chaining()


def options(settings: Settings, job: str, spec: BuilderSpec) -> dict[str, str]:
    """Options of the pipeline's relations: the common ones, and the topics of the job."""
    own = {
        "input_topics": topic_names(settings, spec.input_topics),
        "output_topics": topic_names(settings, spec.output_topics),
    }
    return sql_options(settings, job) | own


def batches(settings: Settings, job: str, spec: BuilderSpec) -> tuple[StreamTableEnvironment, KeyedStream]:
    """The job's table environment, and its raw records in batches by key."""
    tables = table_environment(settings, job)
    declare(tables, RELATIONS, options(settings, job, spec))
    return tables, keyed_rows(tables, tables.from_path("frame_batches"), KEY, BATCH)


def publish(tables: StreamTableEnvironment, output: DataStream) -> None:
    """Send every output line to its topic. One statement set makes it one job."""
    tables.create_temporary_view("job_output", output)
    statements = tables.create_statement_set()
    insert(statements, ["inserts/job_output"])
    statements.execute()


def topic_names(settings: Settings, topics: Iterable[Topic]) -> str:
    """Names of topics with the prefix, as an option of a relation."""
    return ";".join(settings.topic_prefix + topic.name for topic in topics)
