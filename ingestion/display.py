"""Output of the commands on standard error: progress bars in a terminal, import reports, summaries."""

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from core.records import Envelope
from ingestion.rebuild import MAX_KEY, Rebuild
from ingestion.recordings import EnvelopeSource, ReadAccount
from ingestion.replay import ReplayResult

UPDATE_EVERY = 512  # envelopes per redraw: drawing costs more than reading
MAX_SHOWN = 5
COLUMNS = (
    "frames", "applied", "skipped", "gaps", "checksum\nfailures", "crossed", "rejected", "trades", "repeated\ntrades",
)  # fmt: skip


def track_recording(recording: EnvelopeSource, console: Console) -> Iterator[Envelope]:
    """Yield the recording's envelopes and show progress over the bytes of its file."""
    with _progress(console) as progress:
        task = progress.add_task(recording.report.path.name, total=recording.size)
        for count, envelope in enumerate(recording):
            if count % UPDATE_EVERY == 0:
                progress.update(task, completed=recording.position, frames=count)
            yield envelope


def track_generated(envelopes: Iterable[Envelope], seconds: float, console: Console) -> Iterator[Envelope]:
    """Yield generated envelopes and show progress over the seconds of market time."""
    start_us = None
    with _progress(console) as progress:
        task = progress.add_task("generated market", total=None if seconds == float("inf") else seconds)
        for count, envelope in enumerate(envelopes):
            start_us = envelope.recv_us if start_us is None else start_us
            if count % UPDATE_EVERY == 0:
                progress.update(task, completed=(envelope.recv_us - start_us) / 1e6, frames=count)
            yield envelope


def show_import_report(recording: EnvelopeSource, console: Console) -> None:
    """Print how a file was read, the ignored frames and the rejected lines, with the reasons of the first."""
    report = recording.report
    if report.note:
        console.print(f"{report.path.name}: {report.note}", highlight=False, soft_wrap=True)
    if report.ignored:
        ignored = ", ".join(f"{kind} {count}" for kind, count in sorted(report.ignored.items()))
        console.print(f"{report.path.name}: ignored (no market data): {ignored}", highlight=False, soft_wrap=True)
    for error in report.errors[:MAX_SHOWN]:
        console.print(error, highlight=False, soft_wrap=True)
    if report.rejected:
        lines = "line" if report.rejected == 1 else "lines"
        console.print(f"{report.path}: {report.rejected} {lines} rejected", highlight=False, soft_wrap=True)


def show_rebuild(rebuild: Rebuild, console: Console) -> None:
    """Print one row per key; `rejected` counts frames that could not be decoded or applied."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("key", overflow="fold")
    for name in COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("book", no_wrap=True)
    for key, book in rebuild.books.items():
        counts = book.counts
        state = book.state if book.has_book else "none"
        numbers = (
            counts.frames, counts.applied, counts.skipped, counts.gaps, counts.checksum_failures, counts.crossed,
            counts.rejected, counts.trades, counts.repeated_trades,
        )  # fmt: skip
        table.add_row(key[:MAX_KEY], *(f"{number:,}" for number in numbers), state)
    if rebuild.books:
        console.print(table)
    for key, book in rebuild.books.items():
        if book.counts.trade_epochs:
            times = "once" if book.counts.trade_epochs == 1 else f"{book.counts.trade_epochs:,} times"
            console.print(f"{key}: the ids of trades began anew {times}", highlight=False, soft_wrap=True)
        if book.counts.off_book_trades:
            text = f"{key}: {book.counts.off_book_trades:,} trades were not made in the book and are not published"
            console.print(text, highlight=False, soft_wrap=True)
    for reason in rebuild.reject_reasons[:MAX_SHOWN]:
        console.print(f"rejected: {reason}", highlight=False, soft_wrap=True)
    if rebuild.other_channels:
        channels = ", ".join(f"{channel} {count}" for channel, count in sorted(rebuild.other_channels.items()))
        console.print(f"frames without a book: {channels}", highlight=False, soft_wrap=True)


def show_account(account: ReadAccount, console: Console, reasons: bool = False) -> None:
    """Print the totals and every other cause of failure; with `reasons`, also those of the first refused items."""
    for reason in account.reasons if reasons else ():
        console.print(f"refused: {reason}", highlight=False, soft_wrap=True)
    skipped = account.skipped.total() + account.unmatched.total()
    kinds = [f"{kind} {count:,}" for kind, count in sorted(account.skipped.items()) if count]
    if account.unmatched:
        kinds.append(f"other symbols {account.unmatched.total():,}")
    detail = f" ({', '.join(kinds)})" if kinds else ""
    line = f"used {account.used:,}, skipped {skipped:,}{detail}, refused {account.refused:,}"
    console.print(line, highlight=False, soft_wrap=True)
    for problem in account.problems:
        console.print(problem, highlight=False, soft_wrap=True)


def show_replay_result(result: ReplayResult, console: Console) -> None:
    """Print records by topic, and the rate."""
    for topic, count in sorted(result.counts.items()):
        console.print(f"{topic}: {count:,} records", highlight=False)
    total = result.counts.total()
    rate = total / result.seconds if result.seconds else 0.0
    console.print(f"{total:,} records in {result.seconds:.1f} s, {rate:,.0f}/s", highlight=False)


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
