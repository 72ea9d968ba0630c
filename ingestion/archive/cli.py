"""`depthflow record`."""

from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from core.kafka_client import python_client_options
from core.literal_console import literal_console
from core.metrics_server import metrics_server
from core.scrape_targets import scrape_target
from core.settings import Settings
from core.stop_signal import EXIT_INTERRUPTED, stop_signal
from core.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES
from ingestion.archive.layout import UNKNOWN_VENUE
from ingestion.archive.metrics import RecorderMetrics
from ingestion.archive.recorder import Recorder

RAW_TOPICS = ",".join(topic.name for topic in (RAW_BOOKS, RAW_TRADES, RAW_OPTIONS))
app = typer.Typer()
console = literal_console()


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Folder of the files; an existing recording is continued.")],
    topics: Annotated[str, typer.Option(help="Topics without prefix, separated by commas.")] = RAW_TOPICS,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop at the current end of the topics.")] = False,
    roll_s: Annotated[float, typer.Option(min=1, help="Seconds between completed, readable files.")] = 300,
    bootstrap_servers: Annotated[
        str, typer.Option(show_default="KAFKA_BOOTSTRAP_SERVERS", help="Kafka broker: host:port.")
    ] = "",
    metrics_addr: Annotated[
        str, typer.Option(help="host:port of /health, /ready and /metrics; '' disables them.")
    ] = "127.0.0.1:2130",
) -> None:
    """Write topics to Parquet files by venue and hour until Ctrl-C; `depthflow replay FOLDER` replays raw topics.

    A new folder starts at the oldest record of the broker. Stopping, killing or restarting the recorder neither
    duplicates nor loses records.

    Example: depthflow record recordings
    """
    settings = Settings()
    names = [name for name in topics.split(",") if name]
    if not names:
        raise typer.BadParameter(f"expected topics separated by commas, got {topics!r}", param_hint="--topics")
    recorder = Recorder(folder, python_client_options(settings, bootstrap_servers), names, settings.topic_prefix)
    for gap in recorder.gaps:
        console.print(f"warning: {gap}", highlight=False, soft_wrap=True)
    state, registry = RecorderMetrics(recorder), CollectorRegistry()
    registry.register(state)
    served = metrics_server(metrics_addr, "--metrics-addr", registry, state.unhealthy, state.not_ready)
    with stop_signal() as stopping, served as address, scrape_target(settings.home, "recorder", address):
        recorder.run(lambda: not stopping, IntervalTimer(roll_s), until_end)
    for (venue, topic), count in sorted(recorder.archive.written.items()):
        remark = ", not envelopes: readers reject them" if venue == UNKNOWN_VENUE else ""
        console.print(f"{topic}, venue {venue}: {count:,} records{remark}", highlight=False)
    if stopping.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


class IntervalTimer:
    """Callable that returns True once per interval of `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = monotonic() + seconds

    def __call__(self) -> bool:
        if monotonic() < self._due:
            return False
        self._due = monotonic() + self._seconds
        return True
