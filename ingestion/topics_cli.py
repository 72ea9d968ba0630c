"""`depthflow topics`."""

import sys
from dataclasses import replace
from datetime import datetime, timezone
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ingestion.topic_admin import TRIAL, consumer, extents, round_trip, tail
from ingestion.topics import TopicReport, ensure_topics
from market.kafka import python_client
from market.settings import Settings
from market.topics import DAY_MS, TOPICS, Topic

app = typer.Typer(help="The topics of a broker: create, compare, look into.", no_args_is_help=True)
console = Console()

Name = Annotated[str, typer.Argument(help="A topic, without TOPIC_PREFIX.")]
Partitions = Annotated[int | None, typer.Option(min=1, show_default="TOPIC_PARTITIONS", help="Of each topic.")]
RetentionDays = Annotated[
    float | None, typer.Option(min=0.01, show_default="7", help="Of topics that are not compacted.")
]


def wanted(retention_days: float | None) -> list[Topic]:
    """The topics as they are to be: compacted ones stay so."""
    if retention_days is None:
        return list(TOPICS)
    kept_ms = int(retention_days * DAY_MS)
    return [topic if topic.retention_ms is None else replace(topic, retention_ms=kept_ms) for topic in TOPICS]


def ensure(settings: Settings, topics: list[Topic], partitions: int | None) -> TopicReport:
    """Create what is missing, compare the rest."""
    count = partitions or settings.topic_partitions
    servers, prefix = settings.kafka_bootstrap_servers, settings.topic_prefix
    return ensure_topics(servers, count, topics, prefix, python_client(settings))


@app.command()
def create(partitions: Partitions = None, retention_days: RetentionDays = None) -> None:
    """Create the topics that are missing, and show where existing ones differ; those are left as they are.

    Ends with 1 when one differs.

    Example: depthflow topics create --partitions 64 --retention-days 3
    """
    report = ensure(Settings(), wanted(retention_days), partitions)
    for name in report.created:
        console.print(f"created {name}", highlight=False)
    for difference in report.differences:
        console.print(str(difference), highlight=False, soft_wrap=True)
    if not report.created and not report.differences:
        console.print("all topics are there, and as promised")
    if report.differences:
        raise typer.Exit(1)


@app.command("list")
def list_topics() -> None:
    """Every topic of the broker but its own, with partitions and records.

    Example: depthflow topics list
    """
    settings = Settings()
    table = Table("topic", "partitions", "records")
    with consumer(settings) as reader:
        for name in sorted(name for name in reader.topics() if not name.startswith("__")):
            held = extents(reader, name)
            table.add_row(name, str(len(held)), f"{sum(each.end - each.begin for each in held):,}")
    console.print(table)


@app.command()
def describe(name: Name) -> None:
    """The partitions of one topic, and how it differs from what is promised.

    Example: depthflow topics describe orderbook.raw
    """
    settings = Settings()
    topic = settings.topic_prefix + name
    table = Table("partition", "first offset", "next offset", title=topic)
    with consumer(settings) as reader:
        for each in extents(reader, topic):
            table.add_row(str(each.partition), f"{each.begin:,}", f"{each.end:,}")
    console.print(table)
    promised = [each for each in TOPICS if each.name == name]
    for setting, value in (promised[0].config() if promised else {}).items():
        console.print(f"promised {setting}={value}", highlight=False)
    for difference in ensure(settings, promised, None).differences:
        console.print(str(difference), highlight=False, soft_wrap=True)


@app.command("tail")
def tail_topic(
    name: Name,
    records: Annotated[int, typer.Option("--records", "-n", min=0, help="Of each partition, the newest.")] = 10,
    key: Annotated[str | None, typer.Option(help="This key only: venue:symbol.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
) -> None:
    """The newest records of a topic, one a line: partition, offset, time, key, value.

    Example: depthflow topics tail orderbook.status --follow
    """
    settings = Settings()
    with consumer(settings) as reader:
        for record in tail(reader, settings.topic_prefix + name, records, follow):
            if key is None or record.key == key.encode():
                at = datetime.fromtimestamp(record.time_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
                place = f"{record.partition}\t{record.offset}\t{at}\t{record.key.decode(errors='replace')}\t"
                sys.stdout.write(place + record.value.decode(errors="replace") + "\n")
                sys.stdout.flush()


@app.command("produce-test")
def produce_test(
    records: Annotated[int, typer.Option("--records", "-n", min=1, max=100_000, help="How many.")] = 1000,
    size: Annotated[int, typer.Option(min=0, max=1_000_000, help="Bytes of each.")] = 1000,
) -> None:
    """Write records to a topic of their own, read them back, and say how long it took: the broker works for us.

    Example: depthflow topics produce-test
    """
    settings = Settings()
    ensure(settings, [TRIAL], 1)
    written_s, read_s = round_trip(settings, records, size)
    console.print(
        f"{records:,} records of {size:,} bytes: acknowledged in {written_s * 1000:.0f} ms, "
        f"read back in {read_s * 1000:.0f} ms, byte for byte",
        highlight=False,
    )
