"""The alerts, analytics and cache jobs on the running cluster, with temporary topics and tables."""

import json
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.cache_latency import publish_p99_ms, temporary_cache_keys
from bench.database import row_count, temporary_tables
from bench.jobs import prepare, running, temporary_topics
from bench.load import COPIES, fill_outputs, plan
from bench.offsets import Counter, rates_until
from core.settings import Settings
from core.topics import BOOKS, PROCESSED, STATUS, TICKS, TRADE_BARS, TRADES, WINDOWS
from simulator.frame_generator import Plan

CACHED_SHARE = 5  # the cache job gets a fifth of the records, since it is about five times slower
MEASURED_SHARE = 0.9  # share of the records: the last ones wait for a checkpoint
WARM_UP = 0.5  # for over a minute the JVM compiles the code of forty operators on the cores that run them

console = Console(stderr=True)
ROWS = {  # description and target of each figure
    "records_per_s": (
        "alerts and analytics jobs together: processed records/s that their ticks stand for",
        ">= 300,000",
    ),
    "db_rows_per_s": ("  rows/s that these records add to the database", ""),
    "cache_updates_per_s": ("cache job: book updates/s in", ">= 20,000"),
    "publish_p99_ms": ("books and cache jobs: receive to publish, 99th percentile, ms", ""),
}
INPUT_TOPICS = {"alerts": (TICKS,), "analytics": (WINDOWS, TRADE_BARS)}


def report(records: int, symbols: int, rate: float, options: list[str]) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    frames = plan("binance", symbols, 20, rate)
    figures = analytics(records, frames, options) | cache(records // CACHED_SHARE, frames, options)
    table = Table(title=f"{symbols * COPIES} books of {rate:g} updates a second, exactly-once")
    for heading in ("", "measured", "target"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, (description, target) in ROWS.items():
        table.add_row(description, f"{figures[name]:,.0f}", target)
    Console().print(table)
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


def analytics(records: int, frames: Plan, options: list[str]) -> dict[str, float]:
    """Processed records that the ticks stand for, per second of both jobs, and the rows per second that they write.

    The slower of the two jobs counts.
    """
    settings, counter = _prepare(options, "alerts", "analytics")
    prefix = settings.topic_prefix
    with ExitStack() as stack:
        schema = temporary_tables(settings.postgres_dsn.get_secret_value(), prefix.rstrip("."))
        job_settings = settings.model_copy(update={"postgres_dsn": SecretStr(stack.enter_context(schema))})
        stack.enter_context(temporary_topics(settings, prefix))
        with console.status(f"filling the topics with the ticks and windows of {records:,} records"):
            topics = (TICKS, WINDOWS, TRADE_BARS, STATUS)
            total = fill_outputs(settings.kafka_bootstrap_servers, prefix, topics, frames, records)
        shares = [share_of(counter, prefix, job) for job in INPUT_TOPICS]
        stack.enter_context(console.status("the jobs alerts and analytics"))
        for job in INPUT_TOPICS:
            stack.enter_context(running(job_settings, job, options))
        database = stack.enter_context(psycopg.connect(job_settings.postgres_dsn.get_secret_value(), autocommit=True))
        rates = rates_until(
            "the ticks of alerts and analytics",
            int(MEASURED_SHARE * total),
            lambda: int(total * min(share() for share in shares)),
            row_count(database),
            warm_up=WARM_UP,
        )
    return dict(zip(("records_per_s", "db_rows_per_s"), rates, strict=True))


def share_of(counter: Counter, prefix: str, job: str) -> Callable[[], float]:
    """The share of its input that a job has processed."""
    topics = [prefix + topic.name for topic in INPUT_TOPICS[job]]
    total, processed = counter.count(topics), counter.processed_by(f"{prefix}depthflow-{job}", topics)
    return lambda: processed() / total


def cache(records: int, frames: Plan, options: list[str]) -> dict[str, float]:
    """Book updates per second of the cache job, and the age of a book when it is published."""
    settings, counter = _prepare(options, "cache", "books")
    prefix = settings.topic_prefix
    updates, books = ([prefix + topic.name] for topic in (PROCESSED, BOOKS))
    with temporary_topics(settings, prefix), temporary_cache_keys(settings, frames):
        with console.status(f"filling the topics with {records:,} records"):
            fill_outputs(settings.kafka_bootstrap_servers, prefix, (PROCESSED, BOOKS, TRADES), frames, records)
        total = counter.count(updates + books)
        processed = counter.processed_by(f"{prefix}depthflow-cache", updates + books)
        share = counter.count(updates) / total
        with running(settings, "cache", options):
            with console.status("the cache job"):
                (rate,) = rates_until("the cache", int(MEASURED_SHARE * total), processed)
            with console.status("the books and cache jobs together"), running(settings, "books", options):
                latency_ms = publish_p99_ms(settings, frames)
    return {"cache_updates_per_s": rate * share, "publish_p99_ms": latency_ms}


def _prepare(options: list[str], *jobs: str) -> tuple[Settings, Counter]:
    """Settings with a topic prefix for this run, and a counter. Raises SubmitError for a full cluster."""
    settings = prepare(*jobs, options=options)
    return settings, Counter(settings.kafka_bootstrap_servers)
