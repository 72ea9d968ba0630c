"""`depthflow rebuild` and `depthflow replay`."""

import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import time
from typing import Annotated

import typer
from rich.console import Console

from ingestion.display import show_account, show_played, show_rebuild, watched_market, watched_recording
from ingestion.generator import START_US, Generator, Plan
from ingestion.generator.instruments import choose
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.rebuild import Rebuild
from ingestion.recordings import open_recording
from ingestion.replay import ENDLESS, MAX_SPEED, ahead, paced, play, within
from ingestion.topics import ensure_topics
from market.keeper import KeeperConfig
from market.records import Envelope
from market.settings import Settings
from market.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES

app = typer.Typer()
console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)

GENERATED_SECONDS = 60.0


def parse_speed(text: str) -> float:
    """`max`, or how many seconds of the recording pass in one."""
    try:
        value = MAX_SPEED if text == "max" else float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise typer.BadParameter(f"expected max or a number above 0, got {text!r}")
    return value


def parse_names(text: str) -> frozenset[str]:
    """Names with commas between."""
    return frozenset(filter(None, text.split(",")))


@app.command()
def rebuild(
    files: Annotated[list[Path], typer.Argument(help="Recordings in the order of time; - is standard input.")],
    venue: Annotated[str | None, typer.Option(help="Whose frames these are, where the files do not say.")] = None,
    symbol: Annotated[str | None, typer.Option(help="This symbol only.")] = None,
) -> None:
    """Rebuild books from recordings: processed records to standard output, a summary to standard error.

    Ends with 1 when a book ended out of sync.

    Example: depthflow rebuild --venue binance --symbol ETHUSDT ethusdt.gz > processed.jsonl
    """
    settings = Settings()
    books = Rebuild(KeeperConfig(depth=settings.calculate_depth, levels=settings.depth_levels))
    envelopes = _recorded(files, venue, frozenset({symbol} if symbol else ()), ENDLESS, MAX_SPEED)
    try:
        for record in books.records(envelopes):
            sys.stdout.buffer.write(record + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader has seen enough (`| head`); what is still buffered must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    show_rebuild(books, console)
    if books.out_of_sync:
        raise typer.Exit(1)


@app.command()
def replay(
    files: Annotated[list[Path] | None, typer.Argument(help="Recordings; without one a generator plays.")] = None,
    speed: Annotated[
        float, typer.Option(parser=parse_speed, metavar="N|max", show_default="max", help="Times real time.")
    ] = MAX_SPEED,
    venue: Annotated[str, typer.Option(help="As in rebuild; for the generator, venues with commas between.")] = "",
    symbols: Annotated[str, typer.Option(help="These symbols only, with commas between.")] = "",
    seconds: Annotated[
        float, typer.Option(min=0, show_default="all of a recording, 60 generated", help="Of each file's own time.")
    ] = 0,
    frames: Annotated[int | None, typer.Option(min=1, help="At most so many in all.")] = None,
    seed: Annotated[int, typer.Option(help="Of the generator.")] = 1,
    rate: Annotated[float, typer.Option(min=0.01, help="Of the generator: book frames per second and symbol.")] = 10,
    gaps_per_1000: Annotated[float, typer.Option(min=0, max=1000, help="Of the generator: book frames lost.")] = 0,
    bootstrap_servers: Annotated[str, typer.Option(show_default="KAFKA_BOOTSTRAP_SERVERS", help="Kafka.")] = "",
) -> None:
    """Play recordings, or generated frames of all four venues, into the raw topics.

    Frames and receive times stay as recorded. The generator is the same for the same seed, except that it starts now
    when it plays at --speed N; `--seconds inf` lets it go on. Ctrl-C flushes and ends.

    Example: depthflow replay --speed 1 --seconds 300
    """
    if files:
        envelopes = _recorded(files, venue or None, parse_names(symbols), seconds or ENDLESS, speed)
    else:
        start_us = START_US if speed == MAX_SPEED else int(time() * 1e6)
        try:
            instruments = choose(parse_names(venue), parse_names(symbols))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        plan = Plan(instruments, seed, rate, gaps_per_1000=gaps_per_1000, start_us=start_us)
        envelopes = _generated(plan, seconds or (ENDLESS if frames else GENERATED_SECONDS), speed)
    settings = Settings()
    servers = bootstrap_servers or settings.kafka_bootstrap_servers
    raw_topics = (RAW_BOOKS, RAW_TRADES, RAW_OPTIONS)
    for difference in ensure_topics(servers, settings.topic_partitions, raw_topics, settings.topic_prefix).differences:
        console.print(f"warning: {difference}", highlight=False, soft_wrap=True)
    producer = RawProducer.connect(ProducerConfig(servers, settings.topic_prefix))
    envelopes = islice(envelopes, frames)
    played = play(ahead(envelopes) if speed == MAX_SPEED else envelopes, producer)
    producer.close()
    show_played(played, console)
    if played.interrupted:
        raise typer.Exit(130)


def _recorded(
    files: list[Path], venue: str | None, symbols: frozenset[str], seconds: float, speed: float
) -> Iterator[Envelope]:
    """Recordings one after the other, each paced by its own clock: years may lie between two files."""
    for file in files:
        recording = open_recording(file, venue)
        envelopes = within(watched_recording(recording, console), seconds)
        for envelope in paced(envelopes, speed):
            if not symbols or envelope.symbol in symbols:
                yield envelope
        show_account(recording, console)


def _generated(plan: Plan, seconds: float, speed: float) -> Iterator[Envelope]:
    return paced(watched_market(within(Generator(plan), seconds), seconds, console), speed)
