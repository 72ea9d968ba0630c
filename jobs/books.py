"""The books job: raw frames to books, metrics, trades, states and dead letters."""

from pyflink.datastream import DataStream, KeyedStream

from core.settings import Settings
from jobs import builder_specs
from jobs.builder_specs import BuilderSpec
from jobs.pipeline import apply_builders, batches, publish
from market.orderbook.book_config import BookConfig

JOB = "books"


def define_spec(settings: Settings) -> BuilderSpec:
    """Book builders with the depths of the settings."""
    config = BookConfig(
        depth=settings.calculate_depth, levels=settings.depth_levels, stale_after_s=settings.stale_after_s
    )
    return builder_specs.books(config, int(settings.stale_after_s * 1000))


def define_workflow(records: KeyedStream, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, lines) for the batches of each book; lines: an array of JSON as bytes."""
    return apply_builders(records, define_spec(settings), JOB, settings)


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables, records = batches(settings, JOB, define_spec(settings))
    publish(tables, define_workflow(records, settings))


if __name__ == "__main__":
    main()
