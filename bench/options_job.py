"""Throughput of the options job on the running cluster: tickers of one chain, exactly-once, with checkpoints."""

from rich.console import Console

from bench.chains import PER_SECOND, ticker_envelopes
from bench.jobs import job_rate, prepare, temporary_topics
from bench.load import open_producer, produce
from bench.offsets import Counter
from core.settings import Settings
from core.topics import OPTION_SURFACES, RAW_OPTIONS, record_key
from market.options.events import OptionQuote

TICKERS = 200_000

console = Console(stderr=True)


def tickers_per_s(quotes: list[OptionQuote]) -> float:
    """Tickers per second. Raises SubmitError when the cluster cannot run the job."""
    settings = prepare("options")
    counter = Counter(settings.kafka_bootstrap_servers)
    with temporary_topics(settings, settings.topic_prefix):
        with console.status(f"filling {RAW_OPTIONS.name} with {TICKERS:,} tickers"):
            _fill(settings, quotes)
        # One second of the chain is PER_SECOND tickers in and one record per option out. The last tenth is not awaited.
        seconds = 0.9 * TICKERS / PER_SECOND
        with console.status("the options job"):
            records_per_s = job_rate(settings, "options", [], counter, OPTION_SURFACES.name, int(seconds * len(quotes)))
    return records_per_s / len(quotes) * PER_SECOND


def _fill(settings: Settings, quotes: list[OptionQuote]) -> None:
    producer = open_producer(settings.kafka_bootstrap_servers)
    for value in ticker_envelopes(quotes, TICKERS):
        produce(producer, settings.topic_prefix + RAW_OPTIONS.name, record_key("deribit", "BTC"), value)
    producer.flush()
