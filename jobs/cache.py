"""The cache job: newest books with their states, trades, option chains, underlyings and alerts to Redis."""

from pyflink.datastream import DataStream, KeyedStream

from core import topics
from core.settings import Settings
from jobs.connectors import keyed_rows, sql_options, table_environment
from jobs.operators import BATCH, KEY
from jobs.redis_sink import WRITES, CacheOperator
from jobs.sql_files import declare, insert

JOB = "cache"
INPUT_TOPICS = (
    topics.PROCESSED,
    topics.BOOKS,
    topics.TRADES,
    topics.OPTION_CHAINS,
    topics.OPTION_SURFACES,
    topics.UNDERLYING_TICKS,
    topics.STATUS,
    topics.ALERTS,
)
RELATIONS = ("sources/raw_frames", "views/frame_batches", "sinks/redis_writes_sink")


def define_workflow(records: KeyedStream, settings: Settings) -> DataStream:
    """Rows (record_key, written) for the batches of each key. Redis has the data of a row before the row is emitted."""
    operator = CacheOperator(
        settings.redis_url.get_secret_value(),
        settings.topic_prefix,
        settings.cache_default_venue,
        settings.cache_patience_s,
    )
    return records.process(operator, WRITES).name(JOB).uid(JOB)


def options(settings: Settings) -> dict[str, str]:
    """Options of the job's relations."""
    names = ";".join(settings.topic_prefix + topic.name for topic in INPUT_TOPICS)
    return sql_options(settings, JOB) | {"input_topics": names}


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables = table_environment(settings, JOB)
    declare(tables, RELATIONS, options(settings))
    records = keyed_rows(tables, tables.from_path("frame_batches"), KEY, BATCH)
    tables.create_temporary_view("redis_writes", define_workflow(records, settings))
    statements = tables.create_statement_set()
    insert(statements, ["inserts/redis_writes"])
    statements.execute()


if __name__ == "__main__":
    main()
