"""`depthflow chain`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from market.errors import UserError

if TYPE_CHECKING:
    from reader.chain_source import Snapshot

app = typer.Typer()

WIDTH = 200  # of tables that no terminal shows


@app.command()
def chain(
    underlying: Annotated[str, typer.Argument(help="BTC, ETH, XRP_USDC, NIFTY …")],
    source: Annotated[Path, typer.Option("--from", help="A recording, or a stored book summary; - is standard input.")],
    expiry: Annotated[str | None, typer.Option(help="Show the options of this one: 29APR26 or 2026-04-29.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw smiles, surface and open interest into this file.")] = None,
) -> None:
    """The option chain of an underlying: a line for each expiry, or with --expiry one for each strike.

    Volatilities, moves and risk reversals are in percent; ~ marks a forward found by put-call parity.

    Example: depthflow chain BTC --from summary.json --expiry 26JUN26 --plot chain.png
    """
    from reader.chain_source import read_chain
    from reader.chain_tables import show_legs, show_summary

    found = read_chain(source, underlying.upper())
    place = found.place(expiry)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    show_summary(console, found)
    if expiry is not None:
        console.print()
        show_legs(console, found, place)
    if plot is not None:
        _plot(found, place, plot)


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
