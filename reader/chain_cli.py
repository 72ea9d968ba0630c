"""`depthflow chain`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from market.errors import UserError
from market.settings import Settings

if TYPE_CHECKING:
    from reader.chain_snapshot import Snapshot

app = typer.Typer()

WIDTH = 200  # of tables that no terminal shows


@app.command()
def chain(
    underlying: Annotated[str, typer.Argument(help="BTC, ETH, XRP_USDC, NIFTY …")],
    source: Annotated[
        str,
        typer.Option("--from", help="topic, database, or a recording or stored book summary; - is standard input."),
    ] = "topic",
    expiry: Annotated[str | None, typer.Option(help="Show the options of this one: 29APR26 or 2026-04-29.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw smiles, surface and open interest into this file.")] = None,
) -> None:
    """The option chain of an underlying: a line for each expiry, or with --expiry one for each strike.

    Volatilities, moves and risk reversals are in percent; ~ marks a forward found by put-call parity.

    What is shown is the newest second that the topics (or the tables) hold whole, or the chain as of the last quote of
    a recording.

    Example: depthflow chain BTC --from summary.json --expiry 26JUN26 --plot chain.png
    """
    from reader.chain_tables import show_legs, show_summary

    found = _read(source, underlying.upper())
    place = found.place(expiry)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    show_summary(console, found)
    if expiry is not None:
        console.print()
        show_legs(console, found, place)
    if plot is not None:
        _plot(found, place, plot)


def _read(source: str, underlying: str) -> "Snapshot":
    if source == "topic":
        from reader.chain_topics import read_topics

        return read_topics(underlying, Settings())
    if source == "database":
        from reader.chain_database import read_database

        return read_database(underlying, Settings())
    from reader.chain_recording import read_recording

    return read_recording(Path(source), underlying)


def _plot(found: "Snapshot", place: int, path: Path) -> None:
    try:
        from reader.chain_plot import plot_chain
    except ImportError as missing:
        raise UserError(f"drawing needs {missing.name}: install depthflow[plot]") from None
    try:
        plot_chain(found, place, path)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {path}: {error}") from None
    print(f"drawn into {path}", file=sys.stderr)
