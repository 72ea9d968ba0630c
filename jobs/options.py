"""The options job: raw tickers, instruments and index prices to option chains, surfaces and underlying ticks."""

from pyflink.datastream import DataStream, KeyedStream

from core.settings import Settings
from jobs import builder_specs
from jobs.builder_specs import BuilderSpec
from jobs.pipeline import apply_builders, batches, publish
from market.options.chain_batch import ChainConfig

JOB = "options"


def define_spec(settings: Settings) -> BuilderSpec:
    """Chain builders with the timeouts of the settings."""
    return builder_specs.chains(ChainConfig(), int(settings.stale_after_s * 1000))


def define_workflow(records: KeyedStream, settings: Settings) -> DataStream:
    """Rows (topic_name, record_key, lines) for the batches of each chain; lines: an array of JSON as bytes."""
    return apply_builders(records, define_spec(settings), JOB, settings)


def main() -> None:
    """Build the job from the environment's settings and execute it."""
    settings = Settings()
    tables, records = batches(settings, JOB, define_spec(settings))
    publish(tables, define_workflow(records, settings))


if __name__ == "__main__":
    main()
