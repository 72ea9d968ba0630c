"""The books job: raw frames to books, metrics, trades, states and dead letters."""

from pyflink.datastream import DataStream, KeyedStream

from jobs import keeping
from jobs.keeping import Keeping
from jobs.pipeline import batches, keep, publish
from market.config import KeeperConfig
from market.settings import Settings

JOB = "books"
CACHED_BOOKS = 10_000


def define_keeping(settings: Settings) -> Keeping:
    """Books as the settings want them."""
    config = KeeperConfig(depth=settings.calculate_depth, levels=settings.depth_levels)
    return keeping.books(config, int(settings.stale_after_s * 1000))


def define_workflow(records: KeyedStream, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, payload) for the batches of each book; payload: JSON lines joined by newlines."""
    return keep(records, define_keeping(settings), JOB, CACHED_BOOKS, settings)


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables, records = batches(settings, JOB, define_keeping(settings))
    publish(tables, define_workflow(records, settings))


if __name__ == "__main__":
    main()
