"""What the connections of one forwarder share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from ingestion.forwarder.dialects import Dialect
from ingestion.forwarder.ledger import Ledger
from ingestion.forwarder.session import Patience
from market.records import Envelope


@dataclass(frozen=True)
class Manner:
    """How a link behaves. `stable_s`: a connection that lasted less counts as another failed attempt."""

    patience: Patience
    first_delay_s: float = 0.5
    most_delay_s: float = 60.0
    stable_s: float = 10.0
    ping_s: float = 20.0
    max_frame_bytes: int = 8 * 1024 * 1024
    compression: bool = True


@dataclass
class Surroundings:
    """What the links of one forwarder share."""

    dialect: Dialect
    ledger: Ledger
    manner: Manner
    forward: Callable[[Envelope], None]  # raises Full
    room: Callable[[], Awaitable[None]]  # returns when there is room again
    random: Random = field(default_factory=Random)
