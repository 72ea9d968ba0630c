"""Kraken spot, WebSocket v2. See docs/venues/kraken.md."""

from simulator.exchange import Exchange
from simulator.generator.instruments import Grid
from simulator.limits import Limits
from simulator.venue import Frontend, InstrumentGrid, MarketSpec, NoRest, SimulatedVenue
from simulator.venues.kraken.encoder import KrakenEncoder
from simulator.venues.kraken.session import KrakenSession, KrakenSymbol
from venues.kraken.constants import CONNECTS_PER_10_MIN, WS_PATH


def open_frontend(spec: MarketSpec, limits: Limits) -> Frontend:
    """A fresh exchange. Kraken's REST book cannot be placed in the stream of updates, so REST serves nothing."""
    exchange = Exchange(KrakenSymbol(market, spec.start_us) for market in spec.open_markets())
    return Frontend(
        exchange,
        NoRest(),
        lambda path, query, now: KrakenSession(exchange, limits, now) if path == WS_PATH else None,
    )


VENUES = (
    SimulatedVenue(
        id="kraken",
        encoder=KrakenEncoder,
        listed={
            "BTC/USD": InstrumentGrid(Grid(1, 1), Grid(1, 8), 61_799.4, 0.08),
            "ETH/USD": InstrumentGrid(Grid(1, 2), Grid(1, 8), 2_683.6, 1.1),
            "SOL/USD": InstrumentGrid(Grid(1, 2), Grid(1, 8), 146.3, 20.0),
        },
        default_grid=InstrumentGrid(Grid(1, 4), Grid(1, 8), 25.0, 40.0),
        limits=Limits(heartbeat_s=1, idle_s=60, connects=CONNECTS_PER_10_MIN, connects_s=600),
        open_frontend=open_frontend,
        has_checksum=True,
        has_rest=False,
    ),
)
