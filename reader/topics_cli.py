"""`depthflow topics`."""

import sys
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated

import typer
from rich.table import Table

from core.kafka_client import python_client_options
from core.settings import Settings
from core.topics import DAY_MS, TOPICS, Topic
from ingestion.topics import TopicReport, ensure_topics
from reader.output import table_console
from reader.topic_admin import TEST_TOPIC, offsets_by_topic, open_consumer, partition_offsets, round_trip, tail

app = typer.Typer(help="Create, compare and inspect topics.", no_args_is_help=True)
console = table_console()

Name = Annotated[str, typer.Argument(help="Topic name without TOPIC_PREFIX.")]
Partitions = Annotated[int | None, typer.Option(min=1, show_default="TOPIC_PARTITIONS", help="Partitions per topic.")]
RetentionDays = Annotated[
    float | None, typer.Option(min=0.01, show_default="7", help="Retention of topics without compaction.")
]


def desired_topics(retention_days: float | None) -> list[Topic]:
    """Topic definitions with this retention; compacted topics are unchanged."""
    if retention_days is None:
        return list(TOPICS)
    retention_ms = int(retention_days * DAY_MS)
    return [topic if topic.retention_ms is None else replace(topic, retention_ms=retention_ms) for topic in TOPICS]


def ensure(settings: Settings, topics: list[Topic], partitions: int | None) -> TopicReport:
    """Create missing topics and compare existing ones."""
    count = partitions or settings.topic_partitions
    servers, prefix = settings.kafka_bootstrap_servers, settings.topic_prefix
    return ensure_topics(servers, count, topics, prefix, python_client_options(settings))


@app.command()
def create(partitions: Partitions = None, retention_days: RetentionDays = None) -> None:
    """Create missing topics and report where existing ones differ from their definition, without changing them.

    Exits with 1 when one differs.

    Example: depthflow topics create --partitions 64 --retention-days 3
    """
    report = ensure(Settings(), desired_topics(retention_days), partitions)
    for name in report.created:
        console.print(f"created {name}", highlight=False)
    for difference in report.differences:
        console.print(str(difference), highlight=False, soft_wrap=True)
    if not report.created and not report.differences:
        console.print("all topics exist as defined")
    if report.differences:
        raise typer.Exit(1)


@app.command("list")
def list_topics() -> None:
    """List every topic, except the broker's internal ones, with partitions and records.

    Example: depthflow topics list
    """
    settings = Settings()
    table = Table("topic", "partitions", "records")
    with open_consumer(settings) as consumer:
        for name, offsets in offsets_by_topic(consumer).items():
            table.add_row(name, str(len(offsets)), f"{sum(each.end - each.begin for each in offsets):,}")
    console.print(table)


@app.command()
def describe(name: Name) -> None:
    """Show the partitions of a topic and its differences from its definition.

    Example: depthflow topics describe orderbook.raw
    """
    settings = Settings()
    topic = settings.topic_prefix + name
    table = Table("partition", "first offset", "next offset", title=topic)
    with open_consumer(settings) as consumer:
        for each in partition_offsets(consumer, topic):
            table.add_row(str(each.partition), f"{each.begin:,}", f"{each.end:,}")
    console.print(table)
    defined = [each for each in TOPICS if each.name == name]
    for setting, value in (defined[0].config() if defined else {}).items():
        console.print(f"defined {setting}={value}", highlight=False)
    for difference in ensure(settings, defined, None).differences:
        console.print(str(difference), highlight=False, soft_wrap=True)


@app.command("tail")
def tail_topic(
    name: Name,
    records: Annotated[int, typer.Option("--records", "-n", min=0, help="Newest records of each partition.")] = 10,
    key: Annotated[str | None, typer.Option(help="Only this key (venue:symbol).")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue with new records.")] = False,
) -> None:
    """Print the newest records of a topic, one per line: partition, offset, time, key, value.

    Example: depthflow topics tail orderbook.status --follow
    """
    settings = Settings()
    with open_consumer(settings) as consumer:
        for record in tail(consumer, settings.topic_prefix + name, records, follow):
            if key is None or record.key == key.encode():
                time = datetime.fromtimestamp(record.time_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
                key_text, value = (text.decode(errors="replace") for text in (record.key, record.value))
                sys.stdout.write(f"{record.partition}\t{record.offset}\t{time}\t{key_text}\t{value}\n")
                sys.stdout.flush()


@app.command("produce-test")
def produce_test(
    records: Annotated[int, typer.Option("--records", "-n", min=1, max=100_000, help="Number of records.")] = 1000,
    size: Annotated[int, typer.Option(min=0, max=1_000_000, help="Bytes per record.")] = 1000,
) -> None:
    """Check the broker: write records to a test topic, read them back, and print how long both took.

    Example: depthflow topics produce-test
    """
    settings = Settings()
    ensure(settings, [TEST_TOPIC], 1)
    written_s, read_s = round_trip(settings, records, size)
    console.print(
        f"{records:,} records of {size:,} bytes: acknowledged in {written_s * 1000:.0f} ms, "
        f"read back in {read_s * 1000:.0f} ms, byte for byte",
        highlight=False,
    )
