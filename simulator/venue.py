"""One simulated exchange as data: everything that the rest of the simulator looks up by a venue id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulator.exchange import Exchange
from simulator.generator.chain import ChainModel, ChainShape
from simulator.generator.encoder import EncoderType
from simulator.generator.instruments import Grid, Instrument
from simulator.generator.market import Market, MarketShape
from simulator.generator.underlyings import UNDERLYINGS
from simulator.http_response import HttpResponse, Rest
from simulator.limits import Limits
from simulator.session import ServerSession


class InstrumentGrid(NamedTuple):
    """Price and size grids of an instrument, the price at which it opens and the median size of a level."""

    price: Grid
    size: Grid
    opening: float
    median_size: float


@dataclass(frozen=True)
class MarketSpec:
    """Markets of one simulated exchange. The same values give the same markets; ids start at `start_us` (epoch µs).

    `chains` names option chains, keys of `UNDERLYINGS`.
    """

    instruments: tuple[Instrument, ...]
    shape: MarketShape
    chains: tuple[str, ...]
    chain_shape: ChainShape
    seed: int
    start_us: int

    def open_markets(self) -> list[Market]:
        """The model of each instrument."""
        return [Market(each, self.shape, self.seed) for each in self.instruments]

    def open_chains(self) -> list[ChainModel]:
        """The model of each option chain. Raises KeyError for an unknown underlying."""
        time_ms = self.start_us // 1000
        return [ChainModel(UNDERLYINGS[name], self.chain_shape, self.seed, time_ms) for name in self.chains]


@dataclass(frozen=True)
class Frontend:
    """The addresses of one exchange.

    `open_session` maps path, query and time (epoch s) to a new connection's session; None for an unknown address.
    """

    exchange: Exchange
    rest: Rest
    open_session: Callable[[str, dict[str, str], float], ServerSession | None]


@dataclass(frozen=True)
class SimulatedVenue:
    """One exchange, found by `simulator.registry`. `id` is that of the venue in `venues.registry`.

    `listed` are the known symbols, the two of the demo first; any other symbol is traded on `default_grid`.
    `has_checksum`: book frames carry a checksum, so the faults `digit` and `checksum` are detectable.
    `has_rest`: REST serves books or lists, so `refuse` may refuse snapshots.
    `chains` are the option chains served unless others are requested; empty where the exchange has no options.
    """

    id: str
    encoder: EncoderType
    listed: Mapping[str, InstrumentGrid]
    default_grid: InstrumentGrid
    limits: Limits
    open_frontend: Callable[[MarketSpec, Limits], Frontend]
    has_checksum: bool = False
    has_rest: bool = True
    chains: tuple[str, ...] = ()

    def instrument(self, symbol: str) -> Instrument:
        """The instrument as listed; an unlisted symbol gets the default grid."""
        return Instrument(self.id, symbol, *self.listed.get(symbol, self.default_grid))

    @property
    def default_symbols(self) -> tuple[str, ...]:
        """The two symbols of the demo."""
        return tuple(self.listed)[:2]


class NoRest:
    """REST side of an exchange that serves none. Every path is unknown."""

    refusing = 0

    def restarted(self) -> None:
        """Nothing to forget."""

    def respond(self, path: str, query: dict[str, str], now: float) -> HttpResponse:
        return HttpResponse(404, b'{"error":["EGeneral:Unknown method"]}')
