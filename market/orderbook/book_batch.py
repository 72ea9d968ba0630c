"""Result of one call of `BookBuilder.apply_all`: records, rejects and counters."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from market.reject_all import Reject


@dataclass(slots=True)
class Counts:
    """Counters of frames and their effects, for summaries and metrics; counters of batches add up.

    `frames` counts every value. Each value then counts as one of `applied`, `skipped` (already known, or no book to
    apply it to), `held` (until a snapshot bridges to it), `snapshots`, `events`, `ignored` (acknowledgements,
    heartbeats, channels without book or trades, marks that are not trades), `rejected`, or is a frame of trades. Two
    kinds count twice: a held frame again when the bridge applies or skips it, and a snapshot in the stream also as
    `applied`. A frame that only changed a standby book is `skipped`. `gaps` counts every loss of a book, whatever its
    cause; `checksum_failures` and `crossed` books have counters of their own in addition. `surprises` are valid but
    unusual frames: a snapshot between two updates, a `new` level that existed. `trade_epochs` counts restarts of
    the trade ids, `off_book_trades` the trades in such a frame that were not made in the book and are not published.
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
    trade_epochs: int = 0
    off_book_trades: int = 0

    def __iadd__(self, other: "Counts") -> "Counts":
        for name, value in other:
            setattr(self, name, getattr(self, name) + value)
        return self

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return ((entry.name, getattr(self, entry.name)) for entry in fields(self))


@dataclass(slots=True)
class Batch:
    """Encoded JSON records in order. `book`: top of the book after the last applied update, None without an update."""

    processed: list[bytes] = field(default_factory=list)
    trades: list[bytes] = field(default_factory=list)
    statuses: list[bytes] = field(default_factory=list)
    resyncs: list[bytes] = field(default_factory=list)
    ticks: list[bytes] = field(default_factory=list)
    trade_ticks: list[bytes] = field(default_factory=list)
    windows: list[bytes] = field(default_factory=list)
    bars: list[bytes] = field(default_factory=list)
    book: bytes | None = None
    rejects: list[Reject] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    @classmethod
    def all_rejected(cls, rejects: list[Reject]) -> "Batch":
        """Nothing but rejects, one for each value."""
        return cls(rejects=rejects, counts=Counts(frames=len(rejects), rejected=len(rejects)))
