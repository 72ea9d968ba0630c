"""Context shared by all connections of one forwarder: protocol, statistics, policy and callbacks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from core.records import Envelope
from ingestion.forwarder.session import Timeouts
from ingestion.forwarder.stats import ForwarderStats
from venues.protocol import Stream, VenueProtocol


@dataclass(frozen=True)
class ConnectionPolicy:
    """Timeouts, back-off and limits of a connection.

    A connection that ends within `stable_s` counts as another failed attempt: the back-off is not reset.
    """

    timeouts: Timeouts
    first_delay_s: float = 0.5
    max_delay_s: float = 60.0
    stable_s: float = 10.0
    ping_s: float = 20.0
    max_frame_bytes: int = 8 * 1024 * 1024
    compression: bool = True


@dataclass(frozen=True)
class ForwarderContext:
    """Dependencies of every connection. All callbacks run on the event loop.

    `forward` raises BufferFull; `wait_for_capacity` returns once `forward` can succeed again. `on_subscribed` receives
    the id of a connection and the streams that the venue has just acknowledged on it.
    """

    protocol: VenueProtocol
    stats: ForwarderStats
    policy: ConnectionPolicy
    forward: Callable[[Envelope], None]
    wait_for_capacity: Callable[[], Awaitable[None]]
    on_subscribed: Callable[[str, list[Stream]], None]
    random: Random = field(default_factory=Random)
