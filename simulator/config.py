"""Configuration and addresses of one simulated exchange."""

from dataclasses import dataclass, field

from simulator.generator.chain import ChainShape
from simulator.generator.market import MarketShape
from simulator.limits import Limits
from simulator.registry import default_symbols

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Config:
    """One exchange. Port 0 takes a free port; symbols and limits default to the venue's own.

    `host`: address of WebSocket and REST. The control port is on loopback always.
    """

    venue: str
    symbols: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()  # option chains, keys of `underlyings.UNDERLYINGS`
    chain_shape: ChainShape = field(default_factory=ChainShape)
    seed: int = 1
    rate: float = 10  # steps per second and symbol
    shape: MarketShape = field(default_factory=MarketShape)
    limits: Limits | None = None
    host: str = HOST
    port: int = 0
    control_port: int = 0
    running: bool = True  # False: the market is halted at the start

    @property
    def traded(self) -> tuple[str, ...]:
        """The listed symbols. Raises KeyError: unknown venue."""
        return self.symbols or default_symbols(self.venue)


@dataclass
class Address:
    """Addresses of an exchange. The venue's own paths follow the bases."""

    port: int = 0
    control_port: int = 0

    @property
    def ws_url(self) -> str:
        """Base of the WebSocket addresses."""
        return f"ws://{HOST}:{self.port}"

    @property
    def rest_url(self) -> str:
        """Base of the REST addresses."""
        return f"http://{HOST}:{self.port}"

    @property
    def control_url(self) -> str:
        """Base of the control port."""
        return f"http://{HOST}:{self.control_port}"
