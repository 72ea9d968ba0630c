"""The cache job: the newest book of every symbol, its trades as they come, and the newest option chains, to Redis."""

from pyflink.datastream import DataStream, KeyedStream

from jobs.caching import CACHED, CacheOperator
from jobs.connectors import keyed_rows, sql_options, table_environment
from jobs.operators import BATCH, KEY
from jobs.relations import declare, insert
from market import topics
from market.settings import Settings

JOB = "cache"
READS = (topics.PROCESSED, topics.BOOKS, topics.TRADES, topics.OPTION_CHAINS, topics.OPTION_SURFACES)
RELATIONS = ("sources/raw_frames", "sources/frame_batches", "sinks/cached_sink")


def define_workflow(records: KeyedStream, settings: Settings) -> DataStream:
    """Rows (record_key, published) for the batches of each key; what they are about has reached Redis by then."""
    operator = CacheOperator(
        settings.redis_url.get_secret_value(),
        settings.topic_prefix,
        settings.cache_default_venue,
        settings.cache_patience_s,
    )
    return records.process(operator, CACHED).name(JOB).uid(JOB)


def options(settings: Settings) -> dict[str, str]:
    """What the relations ask for."""
    reads = ";".join(settings.topic_prefix + topic.name for topic in READS)
    return sql_options(settings, JOB) | {"reads": reads}


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables = table_environment(settings, JOB)
    declare(tables, RELATIONS, options(settings))
    records = keyed_rows(tables, tables.from_path("frame_batches"), KEY, BATCH)
    tables.create_temporary_view("cached", define_workflow(records, settings))
    statements = tables.create_statement_set()
    insert(statements, ["inserts/cached"])
    statements.execute()


if __name__ == "__main__":
    main()
