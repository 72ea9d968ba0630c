"""`depthflow record`."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from ingestion.archive.recorder import Recorder
from market.kafka import python_client
from market.settings import Settings
from market.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES

RAW = (RAW_BOOKS.name, RAW_TRADES.name, RAW_OPTIONS.name)
INTERRUPTED = 130
app = typer.Typer()
console = Console(stderr=True)


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(help="Where the files go; an earlier recording there is continued.")],
    topics: Annotated[str, typer.Option(help="With commas between.", show_default=",".join(RAW))] = ",".join(RAW),
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop at what the topics hold now.")] = False,
    roll_s: Annotated[float, typer.Option(min=1, help="Seconds after which files are made whole and readable.")] = 300,
    bootstrap_servers: Annotated[str, typer.Option(show_default="KAFKA_BOOTSTRAP_SERVERS", help="Kafka.")] = "",
) -> None:
    """Write the raw topics to Parquet, by venue and hour, until Ctrl-C; `depthflow replay FOLDER` plays them again.

    A new folder begins at the oldest record that the broker has. Nothing is written twice or left out when the
    recorder is stopped, killed, or started again on its folder.

    Example: depthflow record recordings
    """
    settings = Settings()
    names = [name for name in topics.split(",") if name]
    recorder = Recorder(folder, python_client(settings, bootstrap_servers), names, settings.topic_prefix)
    for gap in recorder.gaps:
        console.print(f"warning: {gap}", highlight=False, soft_wrap=True)
    with stop_signals() as stopping:
        recorder.run(lambda: not stopping, Every(roll_s), until_end)
    for (venue, topic), count in sorted(recorder.archive.written.items()):
        console.print(f"{topic} of {venue}: {count:,} records", highlight=False)
    if signal.SIGINT in stopping:
        raise typer.Exit(INTERRUPTED)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Collects SIGTERM and SIGINT, so that what was read is written before the end."""
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda signum, frame: received.append(signum))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Every:
    """True once every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due = monotonic() + seconds

    def __call__(self) -> bool:
        if monotonic() < self._due:
            return False
        self._due = monotonic() + self._seconds
        return True
