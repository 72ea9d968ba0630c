"""Tickers of one chain through the options job on the running cluster, exactly-once, with its checkpoints."""

import uuid

from confluent_kafka import Producer
from rich.console import Console

from bench.chains import PER_SECOND, ticker_envelopes
from bench.jobs import job_rate, own_topics
from bench.load import produce
from bench.offsets import Counter
from jobs.submit import Cluster, require_startable
from market.options.wire import OptionQuote
from market.settings import Settings
from market.topics import OPTION_SURFACES, RAW_OPTIONS, record_key

TICKERS = 200_000

console = Console(stderr=True)


def tickers_per_s(quotes: list[OptionQuote]) -> float:
    """Tickers worked off in a second. Raises SubmitError when the cluster cannot take the job."""
    settings = Settings(topic_prefix=f"bench-{uuid.uuid4().hex[:8]}.")
    require_startable(Cluster.of(settings), "options")
    counter = Counter(settings.kafka_bootstrap_servers)
    with own_topics(settings, settings.topic_prefix):
        with console.status(f"filling {RAW_OPTIONS.name} with {TICKERS:,} tickers"):
            _fill(settings, quotes)
        # A second of the chain is PER_SECOND tickers in and a record of every option out; not all are waited for.
        seconds = 0.9 * TICKERS / PER_SECOND
        with console.status("the options job"):
            said = job_rate(settings, "options", [], counter, OPTION_SURFACES.name, int(seconds * len(quotes)))
    return said / len(quotes) * PER_SECOND


def _fill(settings: Settings, quotes: list[OptionQuote]) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers, "compression.type": "lz4"})
    for value in ticker_envelopes(quotes, TICKERS):
        produce(producer, settings.topic_prefix + RAW_OPTIONS.name, record_key("deribit", "BTC"), value)
    producer.flush()
