"""Binance: spot (`binance`) and USD-M futures (`binance_usdm`). See docs/venues/binance.md."""

from simulator.exchange import Exchange
from simulator.generator.instruments import Grid
from simulator.limits import Limits
from simulator.venue import Frontend, InstrumentGrid, MarketSpec, SimulatedVenue
from simulator.venues.binance import rest, streams
from simulator.venues.binance.encoder import BinanceEncoder, BinanceUsdmEncoder
from simulator.venues.binance.session import BinanceSymbol, UsdmSymbol, open_session
from venues.binance import constants

# Spot prints eight decimals whatever the tick.
SPOT_LISTED = {
    "BTCUSDT": InstrumentGrid(Grid(1_000_000, 8), Grid(1_000, 8), 61_800.0, 0.05),
    "ETHUSDT": InstrumentGrid(Grid(1_000_000, 8), Grid(10_000, 8), 2_683.8, 1.2),
    "NKNUSDT": InstrumentGrid(Grid(10_000, 8), Grid(100_000_000, 8), 0.3521, 3_000.0),
}
USDM_LISTED = {
    "BTCUSDT": InstrumentGrid(Grid(10, 2), Grid(1, 3), 61_800.2, 0.2),
    "ETHUSDT": InstrumentGrid(Grid(1, 2), Grid(1, 3), 2_683.8, 4.0),
    "SUSHIUSDT": InstrumentGrid(Grid(10, 4), Grid(1, 0), 7.611, 600.0),
}
SPOT_LIMITS = Limits(
    lifetime_s=constants.LIFETIME_S,
    ping_every_s=constants.SPOT_SERVER_PING_S,
    pong_within_s=constants.SPOT_PONG_WITHIN_S,
    incoming_per_s=constants.SPOT_MESSAGES_PER_S,
    incoming_bytes=4096 * 16,
    streams=constants.STREAMS_PER_CONNECTION,
    connects=constants.CONNECTS_PER_5_MIN,
    weight_per_min=constants.SPOT_WEIGHT_PER_MINUTE,
    over_weight=10,
)
USDM_LIMITS = Limits(
    lifetime_s=constants.LIFETIME_S,
    ping_every_s=constants.USDM_SERVER_PING_S,
    pong_within_s=constants.USDM_PONG_WITHIN_S,
    incoming_per_s=constants.USDM_MESSAGES_PER_S,
    incoming_bytes=4096 * 16,
    streams=constants.STREAMS_PER_CONNECTION,
    connects=constants.CONNECTS_PER_5_MIN,
    weight_per_min=constants.USDM_WEIGHT_PER_MINUTE,
    over_weight=10,
)


def open_spot(spec: MarketSpec, limits: Limits) -> Frontend:
    """A fresh spot exchange."""
    exchange = Exchange(
        BinanceSymbol(market, BinanceEncoder(market, spec.start_us), streams.SPOT) for market in spec.open_markets()
    )
    return Frontend(
        exchange,
        rest.BinanceRest(exchange, rest.SPOT, limits),
        lambda path, query, now: open_session(exchange, limits, path, query, now, routed=False),
    )


def open_usdm(spec: MarketSpec, limits: Limits) -> Frontend:
    """A fresh USD-M exchange."""
    exchange = Exchange(
        UsdmSymbol(market, BinanceUsdmEncoder(market, spec.start_us), streams.USDM) for market in spec.open_markets()
    )
    return Frontend(
        exchange,
        rest.BinanceRest(exchange, rest.USDM, limits),
        lambda path, query, now: open_session(exchange, limits, path, query, now, routed=True),
    )


SPOT = SimulatedVenue(
    id="binance",
    encoder=BinanceEncoder,
    listed=SPOT_LISTED,
    default_grid=InstrumentGrid(Grid(10_000, 8), Grid(1_000_000, 8), 25.0, 40.0),
    limits=SPOT_LIMITS,
    open_frontend=open_spot,
)
USDM = SimulatedVenue(
    id="binance_usdm",
    encoder=BinanceUsdmEncoder,
    listed=USDM_LISTED,
    default_grid=InstrumentGrid(Grid(10, 4), Grid(1, 1), 25.0, 40.0),
    limits=USDM_LIMITS,
    open_frontend=open_usdm,
)
VENUES = (SPOT, USDM)
