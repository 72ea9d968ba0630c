"""Configuration of a chain's builder, and the output of one of its calls."""

from dataclasses import dataclass, field

from market.options.kinds import STALE_AFTER_MS, NeutralBand
from market.reject_all import Reject


@dataclass(frozen=True, slots=True)
class ChainConfig:
    """Defaults are those of the options job. `build_up_ms`: length of the window of the build-up classes.

    `stale_after_ms`: time without a quote after which a chain, and the quotes of an expiry, are stale.
    """

    build_up_ms: int = 300_000
    neutral_band: NeutralBand = NeutralBand()
    stale_after_ms: int = STALE_AFTER_MS


@dataclass(slots=True)
class ChainCounts:
    """Counts of a batch: `frames` read, events by outcome, `seconds` closed.

    `unchanged`: events that were late, repeated, or of an expired option.
    """

    frames: int = 0
    applied: int = 0
    unchanged: int = 0
    rejected: int = 0
    seconds: int = 0


@dataclass(slots=True)
class ChainBatch:
    """Encoded JSON records, in the order in which seconds closed. A frame of many rows may be rejected in parts."""

    chains: list[bytes] = field(default_factory=list)
    surfaces: list[bytes] = field(default_factory=list)
    ticks: list[bytes] = field(default_factory=list)
    statuses: list[bytes] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    counts: ChainCounts = field(default_factory=ChainCounts)

    @classmethod
    def all_rejected(cls, rejects: list[Reject]) -> "ChainBatch":
        """Batch of rejects only, one for each value."""
        return cls(rejects=rejects, counts=ChainCounts(frames=len(rejects), rejected=len(rejects)))
