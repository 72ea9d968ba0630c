"""Deribit: perpetuals and option chains. See docs/venues/deribit.md."""

from itertools import chain

from simulator.exchange import Exchange
from simulator.generator.instruments import Grid
from simulator.limits import Limits
from simulator.venue import Frontend, InstrumentGrid, MarketSpec, SimulatedVenue
from simulator.venues.deribit.encoder import DeribitEncoder
from simulator.venues.deribit.option_chain import OptionChain
from simulator.venues.deribit.rpc import Methods
from simulator.venues.deribit.session import DeribitSession, Perpetual
from venues.deribit.constants import CONNECTIONS_PER_IP, WS_PATH


def open_frontend(spec: MarketSpec, limits: Limits) -> Frontend:
    """A fresh exchange."""
    perpetuals = [Perpetual(market, DeribitEncoder(market, spec.start_us)) for market in spec.open_markets()]
    chains = [OptionChain(model) for model in spec.open_chains()]
    exchange = Exchange([*perpetuals, *chains])
    methods = Methods(
        exchange,
        limits,
        instruments=lambda: chain.from_iterable(
            [each.instruments() for each in perpetuals] + [each.instruments() for each in chains]
        ),
        tickers=lambda: chain.from_iterable(each.tickers() for each in chains),
        indices=lambda: (each.index() for each in chains),
    )
    return Frontend(
        exchange,
        methods,
        lambda path, query, now: DeribitSession(exchange, methods, limits, now) if path == WS_PATH else None,
    )


VENUES = (
    SimulatedVenue(
        id="deribit",
        encoder=DeribitEncoder,
        # Sizes of perpetuals are in USD.
        listed={
            "BTC-PERPETUAL": InstrumentGrid(Grid(5, 1), Grid(100, 1), 61_800.0, 4_000.0),
            "ETH-PERPETUAL": InstrumentGrid(Grid(5, 2), Grid(10, 1), 2_683.8, 2_000.0),
        },
        default_grid=InstrumentGrid(Grid(5, 1), Grid(100, 1), 5_000.0, 4_000.0),
        limits=Limits(
            heartbeat_s=10,
            incoming_bytes=64 * 1024,
            connections=CONNECTIONS_PER_IP,
            snapshots_per_s=5,
        ),
        open_frontend=open_frontend,
        chains=("BTC", "NIFTY"),
    ),
)
