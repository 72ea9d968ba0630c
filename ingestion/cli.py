"""`depthflow rebuild` and `depthflow replay`."""

import os
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from time import time
from typing import Annotated, Any, BinaryIO

import typer

from core.errors import UserError
from core.kafka_client import python_client_options
from core.literal_console import literal_console
from core.records import Envelope
from core.settings import Settings
from core.stop_signal import EXIT_INTERRUPTED
from core.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES
from ingestion.display import (
    show_account,
    show_import_report,
    show_rebuild,
    show_replay_result,
    track_generated,
    track_recording,
)
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.rebuild import Rebuild
from ingestion.recordings import ImportReport, ReadAccount, ReadOptions, open_recording
from ingestion.replay import MAX_SPEED, UNLIMITED, limit_duration, pace, prefetch, send_all
from ingestion.topics import ensure_topics
from market.orderbook.book_config import BookConfig

app = typer.Typer()
console = literal_console(width=None if sys.stderr.isatty() else 200)

GENERATED_SECONDS = 60.0
Separate = Annotated[bool, typer.Option("--separate", help="No file continues the connections of the one before.")]
Depth = Annotated[
    int | None,
    typer.Option(
        show_default="guessed", help="Levels of a book, where only acknowledgements name them and none is recorded."
    ),
]


def parse_speed(text: str) -> float:
    """`max`, or seconds of the recording per second of the clock."""
    try:
        value = MAX_SPEED if text == "max" else float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise typer.BadParameter(f"expected max or a number above 0, got {text!r}")
    return value


def parse_names(text: str | None, option: str) -> frozenset[str]:
    """Names separated by commas; none for None. Raises BadParameter for text without a name."""
    names = frozenset(filter(None, (name.strip() for name in (text or "").split(","))))
    if text is not None and not names:
        raise typer.BadParameter(f"expected names separated by commas, got {text!r}", param_hint=option)
    return names


@app.command()
def rebuild(
    files: Annotated[list[Path], typer.Argument(help="Recordings in chronological order; - is standard input.")],
    venue: Annotated[str | None, typer.Option(help="Venue of files that do not name theirs.")] = None,
    symbol: Annotated[
        str | None, typer.Option(help="Only this symbol; it also names snapshots that name none.")
    ] = None,
    separate: Separate = False,
    depth: Depth = None,
    ticks: Annotated[Path | None, typer.Option(help="File for the ticks of books and trades, as JSON lines.")] = None,
) -> None:
    """Rebuild books from recordings: processed records go to standard output, a summary to standard error.

    Files continue one another. Exits with 1 when anything was refused, nothing was used, or a book is out of sync,
    stale or untrusted after its last frame.

    Example: depthflow rebuild --venue binance --symbol ETHUSDT ethusdt.gz --ticks ticks.jsonl > processed.jsonl
    """
    settings = Settings()
    config = BookConfig(
        depth=settings.calculate_depth, levels=settings.depth_levels, stale_after_s=settings.stale_after_s
    )
    reading = Reading(files, venue, parse_names(symbol, "--symbol"), separate, depth)
    with open_output(ticks or Path(os.devnull)) as output:
        books = Rebuild(config, lambda lines: output.writelines(line + b"\n" for line in lines))
        if not write_records(books, reading):
            return
    show_rebuild(books, console)
    books.add_to(reading.account)
    conclude(reading.account)


def open_output(path: Path) -> BinaryIO:
    """Create a file. Raises UserError if it cannot be written."""
    try:
        return path.open("wb")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}; name a file in a folder that exists") from error


def write_records(books: Rebuild, reading: "Reading") -> bool:
    """Write processed records to standard output; False if the reader has closed the pipe."""
    try:
        for record in books.records(reading.envelopes(), lambda: reading.place):
            sys.stdout.buffer.write(record + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader closed the pipe (`| head`): without this, flushing the rest of the buffer fails again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


@app.command()
def replay(
    files: Annotated[list[Path] | None, typer.Argument(help="Recordings; none: generated frames.")] = None,
    speed: Annotated[
        float, typer.Option(parser=parse_speed, metavar="N|max", show_default="max", help="Multiple of real time.")
    ] = MAX_SPEED,
    venue: Annotated[
        str | None, typer.Option(help="Venue of files that do not name theirs; generated: venues, separated by commas.")
    ] = None,
    symbols: Annotated[str | None, typer.Option(help="Only these symbols, separated by commas.")] = None,
    seconds: Annotated[
        float,
        typer.Option(min=0, show_default="all of a recording, 60 generated", help="Seconds of each file's own time."),
    ] = 0,
    frames: Annotated[int | None, typer.Option(min=1, help="Maximum number of frames in total.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the generator.")] = 1,
    rate: Annotated[float, typer.Option(min=0.01, help="Generated book frames per second and symbol.")] = 10,
    gaps_per_1000: Annotated[float, typer.Option(min=0, max=1000, help="Generated book frames lost per 1000.")] = 0,
    bootstrap_servers: Annotated[
        str, typer.Option(show_default="KAFKA_BOOTSTRAP_SERVERS", help="Kafka broker: host:port.")
    ] = "",
    separate: Separate = False,
    depth: Depth = None,
) -> None:
    """Replay recordings, or generated frames of every venue, into the raw topics.

    Frames and receive times stay as recorded; files continue one another. Exits with 1 when lines were refused or
    nothing was sent. The same seed generates the same frames; with --speed N they start at
    the current time. `--seconds inf` runs without end. Ctrl-C flushes and exits.

    Example: depthflow replay --speed 1 --seconds 300
    """
    reading = None
    if files:
        reading = Reading(files, venue, parse_names(symbols, "--symbols"), separate, depth)
        envelopes = reading.envelopes(seconds or UNLIMITED, speed)
    else:
        duration = seconds or (UNLIMITED if frames else GENERATED_SECONDS)
        envelopes = _generated_envelopes(venue, symbols, seed, rate, gaps_per_1000, duration, speed)
    settings = Settings()
    producer = _connect(settings, python_client_options(settings, bootstrap_servers))
    envelopes = islice(envelopes, frames)
    result = send_all(prefetch(envelopes) if speed == MAX_SPEED else envelopes, producer)
    producer.close()
    show_replay_result(result, console)
    if result.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    if reading is not None:
        reading.account.used = result.counts.total()
        conclude(reading.account)


def _connect(settings: Settings, client: Mapping[str, Any]) -> RawProducer:
    """Create the raw topics that are missing, and connect with the options of a client."""
    servers, prefix, topics = client["bootstrap_servers"], settings.topic_prefix, (RAW_BOOKS, RAW_TRADES, RAW_OPTIONS)
    for difference in ensure_topics(servers, settings.topic_partitions, topics, prefix, client).differences:
        console.print(f"warning: {difference}", highlight=False, soft_wrap=True)
    return RawProducer.connect(ProducerConfig(servers, prefix, client))


class Reading:
    """Recordings of one call, read one after the other, and their totals. `place`: position of the newest envelope."""

    def __init__(
        self, files: list[Path], venue: str | None, symbols: frozenset[str], separate: bool, depth: int | None
    ) -> None:
        self.account = ReadAccount()
        self._files = files
        self._venue = venue
        self._symbols = symbols
        self._options = ReadOptions(next(iter(symbols)) if len(symbols) == 1 else "", depth, separate)
        self._report: ImportReport | None = None

    @property
    def place(self) -> str:
        return self._report.place if self._report is not None else ""

    def envelopes(self, seconds: float = UNLIMITED, speed: float = MAX_SPEED) -> Iterator[Envelope]:
        """Envelopes of the requested symbols, each file paced by its own receive times: files may be years apart."""
        account = self.account
        for file in self._files:
            recording = open_recording(file, self._venue, self._options)
            self._report = recording.report
            envelopes = limit_duration(track_recording(recording, console), seconds)
            for envelope in pace(envelopes, speed):
                account.seen[envelope.symbol] += 1
                if not self._symbols or envelope.symbol in self._symbols:
                    yield envelope
                else:
                    account.unmatched[envelope.symbol] += 1
            account.add_report(recording.report)
            show_import_report(recording, console)
        account.check_symbols(self._symbols)


def conclude(account: ReadAccount) -> None:
    """Print the account. Raises Exit with 1 when something was refused or went wrong."""
    account.finish()
    show_account(account, console)
    if account.failed:
        raise typer.Exit(1)


def _generated_envelopes(
    venues: str | None, symbols: str | None, seed: int, rate: float, gaps_per_1000: float, seconds: float, speed: float
) -> Iterator[Envelope]:
    from simulator.frame_generator import START_US, Generator, Plan  # loads numpy, scipy and aiohttp
    from simulator.registry import choose

    try:
        instruments = choose(parse_names(venues, "--venue"), parse_names(symbols, "--symbols"))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    start_us = START_US if speed == MAX_SPEED else int(time() * 1e6)
    generator = Generator(Plan(instruments, seed, rate, gaps_per_1000=gaps_per_1000, start_us=start_us))
    return pace(track_generated(limit_duration(generator, seconds), seconds, console), speed)
