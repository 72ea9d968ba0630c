"""The analytics and cache jobs on the running cluster, over topics and tables of their own."""

import json
import uuid

import psycopg
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.cached import forgotten, publish_p99_ms
from bench.database import own_tables, rows
from bench.jobs import own_topics, running
from bench.load import COPIES, fill_said, plan
from bench.offsets import Counter, rates_until
from ingestion.generator import Plan
from jobs.submit import Cluster, require_startable
from market.settings import Settings
from market.topics import BOOKS, PROCESSED, STATUS, TRADES

CACHED_SHARE = 5  # one record in so many goes through the cache job, which is that much slower
DONE = 0.9  # of the records: the last of them wait for a checkpoint
WARM_UP = 0.5  # for a minute and more the JVM compiles what forty operators do, on the cores that do it

console = Console(stderr=True)
ROWS = {  # what the report says of each figure, and what it is to be
    "records_per_s": ("analytics job: processed records/s through windows and alerts", ">= 100,000"),
    "db_rows_per_s": ("  rows/s that these become in the database", ""),
    "cache_updates_per_s": ("cache job: book updates/s in", ">= 20,000"),
    "publish_p99_ms": ("books and cache jobs: receive to publish, 99th percentile, ms", ""),
}


def report(records: int, symbols: int, options: list[str]) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    frames = plan("binance", symbols, 20)
    figures = analytics(records, frames, options) | cache(records // CACHED_SHARE, frames, options)
    table = Table(title=f"{symbols * COPIES} books of a hundred updates a second, exactly-once")
    for heading in ("", "measured", "wanted"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, (meaning, wanted) in ROWS.items():
        table.add_row(meaning, f"{figures[name]:,.0f}", wanted)
    Console().print(table)
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


def analytics(records: int, frames: Plan, options: list[str]) -> dict[str, float]:
    """Processed records that the analytics job works off in a second, and the rows it writes meanwhile."""
    settings, counter = _own("analytics")
    prefix, topic = settings.topic_prefix, settings.topic_prefix + PROCESSED.name
    with own_tables(settings.postgres_dsn.get_secret_value(), prefix.rstrip(".")) as dsn, own_topics(settings, prefix):
        own = settings.model_copy(update={"postgres_dsn": SecretStr(dsn)})
        with console.status(f"filling the topics with {records:,} records"):
            fill_said(settings.kafka_bootstrap_servers, prefix, (PROCESSED, TRADES, STATUS), frames, records)
        groups = [
            counter.worked_off(f"{prefix}depthflow-{name}", [topic]) for name in ("analytics", "analytics-checks")
        ]
        with (
            console.status("the analytics job"),
            running(own, "analytics", options),
            psycopg.connect(dsn, autocommit=True) as database,
        ):
            rates = rates_until(
                topic,
                int(DONE * counter.count([topic])),
                lambda: min(group() for group in groups),
                rows(database),
                warm_up=WARM_UP,
            )
    return dict(zip(("records_per_s", "db_rows_per_s"), rates, strict=True))


def cache(records: int, frames: Plan, options: list[str]) -> dict[str, float]:
    """Book updates that the cache job takes in a second, and how old a book is when it is published."""
    settings, counter = _own("cache", "books")
    prefix = settings.topic_prefix
    updates, books = ([prefix + topic.name] for topic in (PROCESSED, BOOKS))
    with own_topics(settings, prefix), forgotten(settings, frames):
        with console.status(f"filling the topics with {records:,} records"):
            fill_said(settings.kafka_bootstrap_servers, prefix, (PROCESSED, BOOKS, TRADES), frames, records)
        all_of_it = counter.count(updates + books)
        done = counter.worked_off(f"{prefix}depthflow-cache", updates + books)
        share = counter.count(updates) / all_of_it
        with running(settings, "cache", options):
            with console.status("the cache job"):
                (rate,) = rates_until("the cache", int(DONE * all_of_it), done)
            with console.status("the books job before it"), running(settings, "books", options):
                late = publish_p99_ms(settings, frames)
    return {"cache_updates_per_s": rate * share, "publish_p99_ms": late}


def _own(*jobs: str) -> tuple[Settings, Counter]:
    """Settings with a prefix of this run's own. Raises SubmitError when the cluster cannot take the jobs."""
    settings = Settings(topic_prefix=f"bench-{uuid.uuid4().hex[:8]}.")
    for job in jobs:
        require_startable(Cluster.of(settings), job)
    return settings, Counter(settings.kafka_bootstrap_servers)
