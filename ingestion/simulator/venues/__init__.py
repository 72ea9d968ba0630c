"""What tells the four exchanges apart: limits, listings, sessions, REST. All else in the simulator is common."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from ingestion.generator.binance import BinanceEncoder, BinanceUsdmEncoder
from ingestion.generator.chain import ChainModel
from ingestion.generator.deribit import DeribitEncoder
from ingestion.generator.instruments import instrument
from ingestion.generator.market import Market
from ingestion.generator.underlyings import UNDERLYINGS
from ingestion.simulator.answer import Answer, Rest
from ingestion.simulator.config import Config
from ingestion.simulator.exchange import Exchange
from ingestion.simulator.limits import Limits
from ingestion.simulator.session import Session
from ingestion.simulator.venues import binance_streams
from ingestion.simulator.venues.binance import BinanceListing, open_session
from ingestion.simulator.venues.binance_rest import SPOT, USDM, BinanceRest
from ingestion.simulator.venues.deribit import DeribitListing, DeribitSession
from ingestion.simulator.venues.deribit_chain import ChainListing
from ingestion.simulator.venues.kraken import KrakenListing, KrakenSession
from ingestion.simulator.venues.rpc import Methods


@dataclass(frozen=True)
class World:
    """What a simulated exchange is made from: the same configuration gives the same markets, `start_us` the ids."""

    config: Config
    start_us: int

    def markets(self) -> list[Market]:
        """The model of each symbol."""
        config = self.config
        return [Market(instrument(config.venue, symbol), config.shape, config.seed) for symbol in config.traded]

    def chains(self) -> list[ChainModel]:
        """The model of each option chain. KeyError: an underlying that nobody knows."""
        config, time_ms = self.config, self.start_us // 1000
        return [ChainModel(UNDERLYINGS[name], config.chain_shape, config.seed, time_ms) for name in config.chains]


@dataclass(frozen=True)
class Front:
    """One exchange as clients meet it. `session`: path, query and time to a connection; None: no such address."""

    exchange: Exchange
    rest: Rest
    session: Callable[[str, dict[str, str], float], Session | None]


def open_venue(venue: str, world: World, limits: Limits) -> Front:
    """A fresh exchange. KeyError: unknown venue."""
    return _FRONTS[venue](world, limits)


def _binance(world: World, limits: Limits) -> Front:
    exchange = Exchange(
        BinanceListing(market, BinanceEncoder(market, world.start_us), binance_streams.SPOT)
        for market in world.markets()
    )
    return Front(
        exchange,
        BinanceRest(exchange, SPOT, limits),
        lambda path, query, now: open_session(exchange, limits, path, query, now, routed=False),
    )


def _binance_usdm(world: World, limits: Limits) -> Front:
    listings = (
        BinanceListing(market, BinanceUsdmEncoder(market, world.start_us), binance_streams.USDM)
        for market in world.markets()
    )
    exchange = Exchange(listings)
    return Front(
        exchange,
        BinanceRest(exchange, USDM, limits),
        lambda path, query, now: open_session(exchange, limits, path, query, now, routed=True),
    )


def _kraken(world: World, limits: Limits) -> Front:
    exchange = Exchange(KrakenListing(market, world.start_us) for market in world.markets())
    return Front(
        exchange,
        NoRest(),
        lambda path, query, now: KrakenSession(exchange, limits, now) if path == "/v2" else None,
    )


def _deribit(world: World, limits: Limits) -> Front:
    listings = [DeribitListing(market, DeribitEncoder(market, world.start_us)) for market in world.markets()]
    chains = [ChainListing(model) for model in world.chains()]
    exchange = Exchange([*listings, *chains])
    methods = Methods(
        exchange,
        limits,
        instruments=lambda: chain.from_iterable(
            [each.instruments() for each in listings] + [each.instruments() for each in chains]
        ),
        tickers=lambda: chain.from_iterable(listing.tickers() for listing in chains),
        indices=lambda: (listing.index() for listing in chains),
    )
    return Front(
        exchange,
        methods,
        lambda path, query, now: DeribitSession(exchange, methods, limits, now) if path == "/ws/api/v2" else None,
    )


class NoRest:
    """Kraken's REST book cannot be placed in its stream: there is none."""

    refusing = 0

    def restarted(self) -> None:
        """Nothing to forget."""

    def answer(self, path: str, query: dict[str, str], now: float) -> Answer:
        return Answer(404, b'{"error":["EGeneral:Unknown method"]}')


_FRONTS: dict[str, Callable[[World, Limits], Front]] = {
    "binance": _binance,
    "binance_usdm": _binance_usdm,
    "kraken": _kraken,
    "deribit": _deribit,
}
