"""What a keeper may be told. Times are measured on the frames' own receive times, never on a wall clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeeperConfig:
    """Limits of one key's book; the defaults are those of the books job."""

    depth: int = 10  # levels a metric sums over (CALCULATE_DEPTH)
    levels: int = 20  # levels published on orderbook.books (DEPTH_LEVELS)
    hold_frames: int = 1_000  # Binance: updates held while no snapshot has bridged
    hold_s: float = 60.0  # Binance: age of the oldest held update
    resync_first_s: float = 2.0  # a request is repeated after this, then after twice this …
    resync_max_s: float = 60.0  # … up to this
    silence_s: float = 5.0  # a connection that says nothing for this long while another speaks is not followed any more
    quiet_s: float = 60.0  # one that brought no update for this long may be gone without a word
    recoveries: int = 5  # Kraken: recoveries that may fail before the book is called untrusted
    settle_s: float = 60.0  # Kraken: a book that held for this long has recovered
