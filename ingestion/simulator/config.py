"""What to simulate."""

from dataclasses import dataclass, field

from ingestion.generator.chain import ChainShape
from ingestion.generator.instruments import default_symbols
from ingestion.generator.market import Shape
from ingestion.simulator.limits import Limits

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Config:
    """One exchange. Port 0 takes a free one; symbols and limits are the venue's own unless given."""

    venue: str
    symbols: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()  # Deribit's option chains, of `underlyings.UNDERLYINGS`
    chain_shape: ChainShape = field(default_factory=ChainShape)
    seed: int = 1
    rate: float = 10  # steps per second and symbol
    shape: Shape = field(default_factory=Shape)
    limits: Limits | None = None
    port: int = 0
    control_port: int = 0
    running: bool = True  # whether the market runs from the start

    @property
    def traded(self) -> tuple[str, ...]:
        """The symbols listed. KeyError: unknown venue."""
        return self.symbols or default_symbols(self.venue)


@dataclass
class Address:
    """Where an exchange listens. The bases are followed by the venue's own paths."""

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
        """Where faults are asked for and truth is told."""
        return f"http://{HOST}:{self.control_port}"
