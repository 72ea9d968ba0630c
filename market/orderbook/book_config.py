"""Settings of one order book. Durations are measured on the receive times of frames, never on a wall clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BookConfig:
    """Limits of one key's book; the defaults are those of the books job.

    "Snapshot by REST" and "checksum" name the venues that a limit applies to.
    """

    depth: int = 10  # levels that a metric sums over (CALCULATE_DEPTH)
    levels: int = 20  # levels published on orderbook.books (DEPTH_LEVELS)
    max_pending: int = 1_000  # snapshot by REST: updates that wait for a snapshot to bridge to them
    max_pending_s: float = 60.0  # snapshot by REST: age of the oldest waiting update
    resync_first_s: float = 2.0  # time until a request is repeated, doubled with every repetition …
    resync_max_s: float = 60.0  # … up to this
    stale_after_s: float = 30.0  # a book that applies nothing for this long while envelopes arrive is stale
    silence_s: float = 5.0  # a connection silent for this long while another has data is not followed any more
    quiet_s: float = 60.0  # a connection without updates for this long may have ended without an event
    max_recoveries: int = 5  # checksum: failed recoveries in a row before the book is untrusted
    recovered_after_s: float = 60.0  # checksum: a book that stayed right for this long has recovered
    trades_in_order: bool = True  # False: trades are read from another topic and may be minutes before or behind
