"""What comes out of one call of `Keeper.apply_all`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Reject:
    """A value that could not be used: its index in the batch, why (expected, actual), where (key, envelope, frame)."""

    index: int
    reason: str
    where: str


@dataclass(slots=True)
class Counts:
    """What happened to the frames, for summaries and metrics; counts of batches add up.

    `frames` counts every value; each is then one of `applied`, `skipped` (already known, or no book to apply it to),
    `held` (until a snapshot bridges), `snapshots`, `events`, `ignored` (bookTicker, acknowledgements, heartbeats),
    `rejected`, or a frame of trades. Two are counted twice: a held frame when the bridge applies or skips it, and a
    snapshot that came in the stream, which is `applied` too. What goes to a Kraken standby is `skipped`. `gaps` counts
    every loss of a book, whatever the cause; checksum failures and crossed books are counted apart as well.
    `surprises` are frames sound but unusual: a snapshot between two updates, a `new` level that was there.
    """

    frames: int = 0
    applied: int = 0
    skipped: int = 0
    held: int = 0
    snapshots: int = 0
    events: int = 0
    ignored: int = 0
    rejected: int = 0
    gaps: int = 0
    checksum_failures: int = 0
    crossed: int = 0
    resyncs: int = 0
    trades: int = 0
    repeated_trades: int = 0
    surprises: int = 0

    def __iadd__(self, other: "Counts") -> "Counts":
        for name, value in other:
            setattr(self, name, getattr(self, name) + value)
        return self

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((entry.name, getattr(self, entry.name)) for entry in fields(self))


@dataclass(slots=True)
class Batch:
    """Encoded JSON records in the order they came about. `book`: the top of the book after the last applied update."""

    processed: list[bytes] = field(default_factory=list)
    trades: list[bytes] = field(default_factory=list)
    statuses: list[bytes] = field(default_factory=list)
    resyncs: list[bytes] = field(default_factory=list)
    book: bytes | None = None
    rejects: list[Reject] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    @classmethod
    def refused(cls, rejects: list[Reject]) -> "Batch":
        """Nothing but rejects, one for each value."""
        return cls(rejects=rejects, counts=Counts(frames=len(rejects), rejected=len(rejects)))
