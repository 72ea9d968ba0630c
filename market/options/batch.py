"""What a chain's keeper may be told, and what comes out of one call of it."""

from dataclasses import dataclass, field

from market.batch import Reject
from market.options.buildup import Band


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """The defaults are those of the options job."""

    build_up_ms: int = 300_000  # open interest and premium are compared with the first sample of a window this long
    band: Band = Band()


@dataclass(slots=True)
class ChainCounts:
    """What happened to the events of a batch; `unchanged`: late, repeated, or of an expired option."""

    frames: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: int = 0
    seconds: int = 0


@dataclass(slots=True)
class ChainBatch:
    """Encoded JSON records, in the order of the seconds that closed. A frame of many rows may be rejected in parts."""

    chains: list[bytes] = field(default_factory=list)
    surfaces: list[bytes] = field(default_factory=list)
    ticks: list[bytes] = field(default_factory=list)
    statuses: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    counts: ChainCounts = field(default_factory=ChainCounts)

    @classmethod
    def refused(cls, rejects: list[Reject]) -> "ChainBatch":
        """Nothing but rejects, one for each value."""
        return cls(rejects=rejects, counts=ChainCounts(frames=len(rejects), rejected=len(rejects)))
