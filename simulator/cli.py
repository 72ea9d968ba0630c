"""`depthflow simulate`."""

import asyncio
import sys
from typing import Annotated

import structlog
import typer

from core.errors import UserError
from core.literal_console import literal_console
from core.logs import configure
from core.settings import Settings
from simulator.config import HOST, Config
from simulator.generator.chain import ChainShape
from simulator.generator.market import MarketShape
from simulator.generator.underlyings import UNDERLYINGS
from simulator.registry import SIMULATORS
from simulator.service import simulator

app = typer.Typer()
DEFAULT_CHAINS = "; ".join(f"{venue.id}: {','.join(venue.chains)}" for venue in SIMULATORS.values() if venue.chains)
ADDRESSES = ("ws_url", "rest_url", "control_url")
console = literal_console()
log = structlog.get_logger("simulator")


@app.command()
def simulate(
    venue: Annotated[str, typer.Argument(help=f"One of {', '.join(SIMULATORS)}.")],
    symbols: Annotated[
        str | None, typer.Option(help="Traded symbols, separated by commas.", show_default="two")
    ] = None,
    host: Annotated[str, typer.Option(help="Address of WebSocket and REST; 0.0.0.0: every interface.")] = HOST,
    port: Annotated[
        int, typer.Option(min=0, max=65535, show_default="a free port", help="Port of WebSocket and REST.")
    ] = 0,
    control_port: Annotated[
        int, typer.Option(min=0, max=65535, show_default="a free port", help="Port for faults and reference books.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the market.")] = 1,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Book frames per second and symbol.")] = 10,
    levels: Annotated[int, typer.Option(help="Levels on each side of a book.")] = 200,
    touched: Annotated[int, typer.Option(help="Levels changed per frame.")] = 20,
    chains: Annotated[
        str | None, typer.Option(show_default=DEFAULT_CHAINS, help="Option chains, separated by commas.")
    ] = None,
    expiries: Annotated[int, typer.Option(help="Expiries of each chain.")] = 6,
    strikes: Annotated[int, typer.Option(help="Strikes of each expiry, with a call and a put each.")] = 25,
) -> None:
    """Serve a simulated exchange until Ctrl-C, on the loopback interface unless --host names another.

    Its control port, always on loopback, accepts faults (POST /faults {"fault": "gap", "symbol": "BTCUSDT"}) and
    returns the reference book of every symbol (GET /truth?symbol=BTCUSDT&depth=10).

    Example: depthflow simulate binance --port 9443
    """
    if venue not in SIMULATORS:
        raise typer.BadParameter(f"expected one of {', '.join(SIMULATORS)}, got {venue!r}", param_hint="VENUE")
    traded = tuple(filter(None, (symbols or "").split(",")))
    if symbols is not None and not traded:
        raise typer.BadParameter(f"expected symbols separated by commas, got {symbols!r}", param_hint="--symbols")
    settings = Settings()
    configure(settings.log_level, "simulator", settings.log_format)
    try:
        config = Config(
            venue,
            traded,
            _chains(venue, chains),
            ChainShape(expiries, strikes),
            seed=seed,
            rate=rate,
            shape=MarketShape(levels, touched),
            host=host,
            port=port,
            control_port=control_port,
        )
        asyncio.run(_serve(config))
    except ValueError as error:
        raise UserError(str(error)) from error


def _chains(venue: str, requested: str | None) -> tuple[str, ...]:
    defaults = SIMULATORS[venue].chains
    if not defaults:
        if requested:
            raise typer.BadParameter(f"{venue} has no option chains", param_hint="--chains")
        return ()
    chains = defaults if requested is None else tuple(filter(None, requested.split(",")))
    unknown = [name for name in chains if name not in UNDERLYINGS]
    if unknown:
        raise typer.BadParameter(
            f"expected some of {', '.join(UNDERLYINGS)}, got {unknown[0]!r}", param_hint="--chains"
        )
    return chains


async def _serve(config: Config) -> None:
    async with simulator(config) as running:
        _announce(config, {name: getattr(running, name) for name in ADDRESSES})
        await running.market


def _announce(config: Config, addresses: dict[str, str]) -> None:
    """Symbols and addresses: a table on a terminal, else an event of the log."""
    listed = [*config.traded, *(f"{chain} options" for chain in config.chains)]
    if not sys.stderr.isatty():
        log.info("listening", venue=config.venue, listed=listed, **addresses)
        return
    console.print(f"{config.venue} simulator: {', '.join(listed)}", highlight=False)
    for name, address in addresses.items():
        console.print(f"  {name:12} {address}", highlight=False)
