"""The options job: raw tickers, instruments and index prices to option chains, surfaces and underlying ticks."""

from pyflink.datastream import DataStream, KeyedStream

from jobs import keeping
from jobs.keeping import Keeping
from jobs.pipeline import batches, keep, publish
from market.options.batch import ChainConfig
from market.settings import Settings

JOB = "options"
CACHED_CHAINS = 1_000


def define_keeping(settings: Settings) -> Keeping:
    """Chains as the settings want them."""
    return keeping.chains(ChainConfig(), int(settings.stale_after_s * 1000))


def define_workflow(records: KeyedStream, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, payload) for the batches of each chain; payload: JSON lines joined by newlines."""
    return keep(records, define_keeping(settings), JOB, CACHED_CHAINS, settings)


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables, records = batches(settings, JOB, define_keeping(settings))
    publish(tables, define_workflow(records, settings))


if __name__ == "__main__":
    main()
