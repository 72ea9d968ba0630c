"""`depthflow simulate`."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from ingestion.generator.chain import ChainShape
from ingestion.generator.instruments import VENUES
from ingestion.generator.market import Shape
from ingestion.generator.underlyings import UNDERLYINGS
from ingestion.simulator.config import Config
from ingestion.simulator.service import simulator
from market.errors import UserError

DEFAULT_CHAINS = ("BTC", "NIFTY")
app = typer.Typer()
console = Console(stderr=True)


@app.command()
def simulate(
    venue: Annotated[str, typer.Argument(help=f"One of {', '.join(VENUES)}.")],
    symbols: Annotated[str, typer.Option(help="What is traded, with commas between.", show_default="two")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, show_default="a free one", help="WebSocket and REST.")] = 0,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, show_default="a free one", help="Faults and truth.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the market.")] = 1,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Book frames per second and symbol.")] = 10,
    levels: Annotated[int, typer.Option(help="Held on each side of a book.")] = 200,
    touched: Annotated[int, typer.Option(help="Levels changed per frame.")] = 20,
    chains: Annotated[
        str | None, typer.Option(show_default="BTC,NIFTY", help="Deribit's option chains, with commas between.")
    ] = None,
    expiries: Annotated[int, typer.Option(help="Of each chain.")] = 6,
    strikes: Annotated[int, typer.Option(help="Of each expiry; a call and a put each.")] = 25,
) -> None:
    """Serve an exchange that is not there on the loopback, until Ctrl-C.

    Its control port takes faults (POST /faults {"fault": "gap", "symbol": "BTCUSDT"}) and tells the truth of every book
    (GET /truth?symbol=BTCUSDT&depth=10).

    Example: depthflow simulate binance --port 9443
    """
    if venue not in VENUES:
        raise typer.BadParameter(f"expected one of {', '.join(VENUES)}, got {venue!r}", param_hint="VENUE")
    traded = tuple(filter(None, symbols.split(",")))
    try:
        config = Config(
            venue,
            traded,
            _chains(venue, chains),
            ChainShape(expiries, strikes),
            seed=seed,
            rate=rate,
            shape=Shape(levels, touched),
            port=port,
            control_port=control_port,
        )
        asyncio.run(_serve(config))
    except ValueError as error:
        raise UserError(str(error)) from error


def _chains(venue: str, asked: str | None) -> tuple[str, ...]:
    if venue != "deribit":
        if asked:
            raise typer.BadParameter(f"{venue} has no option chains", param_hint="--chains")
        return ()
    chains = DEFAULT_CHAINS if asked is None else tuple(filter(None, asked.split(",")))
    unknown = [name for name in chains if name not in UNDERLYINGS]
    if unknown:
        raise typer.BadParameter(
            f"expected some of {', '.join(UNDERLYINGS)}, got {unknown[0]!r}", param_hint="--chains"
        )
    return chains


async def _serve(config: Config) -> None:
    async with simulator(config) as running:
        listed = [*config.traded, *(f"{chain} options" for chain in config.chains)]
        console.print(f"{config.venue} simulated: {', '.join(listed)}", highlight=False)
        for name in ("ws_url", "rest_url", "control_url"):
            console.print(f"  {name:12} {getattr(running, name)}", highlight=False)
        await asyncio.Event().wait()
