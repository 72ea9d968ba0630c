"""What the commands show on standard error: progress in a terminal, accounts, summaries."""

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ingestion.rebuild import Rebuild
from ingestion.recordings import Readable
from ingestion.replay import Played
from market.records import Envelope

UPDATE_EVERY = 512  # envelopes: drawing costs more than reading
COMPLAINTS_SHOWN = 5


def watched_recording(recording: Readable, console: Console) -> Iterator[Envelope]:
    """The recording's envelopes, with a bar over the bytes of its file."""
    with _progress(console) as progress:
        task = progress.add_task(recording.account.path.name, total=recording.size)
        for count, envelope in enumerate(recording):
            if count % UPDATE_EVERY == 0:
                progress.update(task, completed=recording.position, frames=count)
            yield envelope


def watched_market(envelopes: Iterable[Envelope], seconds: float, console: Console) -> Iterator[Envelope]:
    """Generated envelopes, with a bar over the seconds of market time."""
    start_us = None
    with _progress(console) as progress:
        task = progress.add_task("generated market", total=None if seconds == float("inf") else seconds)
        for count, envelope in enumerate(envelopes):
            start_us = envelope.recv_us if start_us is None else start_us
            if count % UPDATE_EVERY == 0:
                progress.update(task, completed=(envelope.recv_us - start_us) / 1e6, frames=count)
            yield envelope


def show_account(recording: Readable, console: Console) -> None:
    """What of a recording was not forwarded, if anything; lines that could not be used come with their places."""
    account = recording.account
    if account.counted:
        counted = ", ".join(f"{kind} {count}" for kind, count in sorted(account.counted.items()))
        console.print(f"{account.path.name}: not market data: {counted}", highlight=False, soft_wrap=True)
    for complaint in account.complaints[:COMPLAINTS_SHOWN]:
        console.print(complaint, markup=False, highlight=False, soft_wrap=True)
    if account.rejected:
        lines = "line" if account.rejected == 1 else "lines"
        console.print(f"{account.path}: {account.rejected} {lines} could not be used", highlight=False, soft_wrap=True)


def show_rebuild(rebuild: Rebuild, console: Console) -> None:
    """A row for every key; `dead` counts the frames that the domain rejected."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("key", overflow="fold")
    for name in ("frames", "applied", "skipped", "gaps", "checksum\nfailures", "crossed", "dead"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("book", no_wrap=True)
    for key, rebuilt in rebuild.keys.items():
        counts = rebuilt.counts
        state = "none" if not rebuilt.has_book else "in sync" if rebuilt.keeper.live else "out of sync"
        numbers = (
            counts.frames, counts.applied, counts.skipped, counts.gaps, counts.checksum_failures, counts.crossed,
            counts.rejected,
        )  # fmt: skip
        table.add_row(key, *(f"{number:,}" for number in numbers), state)
    if rebuild.keys:
        console.print(table)
    for reason in rebuild.dead[:COMPLAINTS_SHOWN]:
        console.print(f"dead: {reason}", markup=False, highlight=False, soft_wrap=True)
    if rebuild.others:
        others = ", ".join(f"{channel} {count}" for channel, count in sorted(rebuild.others.items()))
        console.print(f"not of a book: {others}", highlight=False, soft_wrap=True)


def show_played(played: Played, console: Console) -> None:
    """Records by topic, and the rate."""
    for topic, count in sorted(played.counts.items()):
        console.print(f"{topic}: {count:,} records", highlight=False)
    total = played.counts.total()
    rate = total / played.seconds if played.seconds else 0.0
    console.print(f"{total:,} records in {played.seconds:.1f} s, {rate:,.0f}/s", highlight=False)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[frames]:,} frames"))
    return Progress(
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
