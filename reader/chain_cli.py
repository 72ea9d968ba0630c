"""`depthflow chain`."""

import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UserError
from core.literal_console import literal_console
from core.settings import Settings
from ingestion.display import show_account
from ingestion.recordings.import_report import ReadAccount
from reader.output import table_console

if TYPE_CHECKING:
    from reader.chain_snapshot import ChainSnapshot

app = typer.Typer()

ERROR_WIDTH = 200  # columns of what is printed on standard error where that is no terminal


@app.command()
def chain(
    underlying: Annotated[str, typer.Argument(help="BTC, ETH, XRP_USDC, NIFTY …")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="topic, database, or the path of a recording or stored book summary; - is standard input.",
        ),
    ] = "topic",
    expiry: Annotated[str | None, typer.Option(help="Show the options of this expiry: 29APR26 or 2026-04-29.")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture of smiles, surface and open interest to this file.")
    ] = None,
) -> None:
    """Show the option chain of an underlying: a row for each expiry, and with --expiry a row for each strike.

    Volatilities, moves and risk reversals are in percent; ~ marks a forward from put-call parity.

    A recording exits with 1 when anything in it was refused; the reasons go to standard error.

    Topics and tables give the newest complete second, a recording gives the chain at its last quote.

    Example: depthflow chain BTC --from summary.json --expiry 26JUN26 --plot chain.png
    """
    from reader.chain_tables import show_options, show_summary

    account = ReadAccount()
    try:
        snapshot = _read(source, underlying.upper(), account)
    except UserError:
        _show(account)
        raise
    expiry_index = snapshot.expiry_index(expiry)
    console = table_console()
    show_summary(console, snapshot)
    if expiry is not None:
        console.print()
        show_options(console, snapshot, expiry_index)
    if plot is not None:
        _plot(snapshot, expiry_index, plot)
    for warning in (*snapshot.warnings, *_age_warnings(snapshot, source)):
        print(warning, file=sys.stderr)
    _show(account)
    if account.failed:
        raise typer.Exit(1)


def _age_warnings(snapshot: "ChainSnapshot", source: str) -> Iterator[str]:
    """Sentence about the newest second of a topic or table when it is older than `STALE_AFTER_S`."""
    age_s = (datetime.now(timezone.utc) - snapshot.time).total_seconds()
    if source in ("topic", "database") and age_s > Settings().stale_after_s:
        yield f"{snapshot.underlying}: the newest second is {age_s:,.0f} s old; no newer one is in the {source}"


def _show(account: ReadAccount) -> None:
    """Print the totals of a recording on standard error; nothing for topics and tables."""
    if account.used or account.skipped or account.refused:
        show_account(account, literal_console(width=None if sys.stderr.isatty() else ERROR_WIDTH), reasons=True)


def _read(source: str, underlying: str, account: ReadAccount) -> "ChainSnapshot":
    if source == "topic":
        from reader.chain_topics import read_topics

        return read_topics(underlying, Settings())
    if source == "database":
        from reader.chain_database import read_database

        return read_database(underlying, Settings())
    from reader.chain_recording import read_recording

    return read_recording(Path(source), underlying, account=account)


def _plot(snapshot: "ChainSnapshot", expiry_index: int, path: Path) -> None:
    try:
        from reader.chain_plot import plot_chain
    except ImportError as missing:
        raise UserError(f"--plot needs {missing.name}: install depthflow[plot]") from None
    try:
        plot_chain(snapshot, expiry_index, path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {path}: {error}") from None
    print(f"wrote {path}", file=sys.stderr)
