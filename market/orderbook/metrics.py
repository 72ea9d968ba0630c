"""Order-book metrics (docs/metrics.md). `measure` builds the processed record from the functions of this module.

Sizes are in base units or in contract units of the venue (`core/records.py`), prices in quote currency; both are
doubles. None means undefined. Sums start at the best level; Python 3.12 compensates rounding in `sum`, so a last digit
may differ from that of Python 3.11.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from math import floor, log10
from operator import mul

from msgspec import Struct

from core.records import Processed
from market.orderbook.book_side import BookSide, Level

PRICE_DIGITS = 15  # most significant digits of a price; the difference of two prices is exact to this many
Touch = tuple[float, float, float, float]  # best bid, its size, best ask, its size; of a two-sided book


@lru_cache(maxsize=1024)  # every second update leaves the best prices unchanged, and rounding is slow
def spread(bid: float, ask: float) -> float:
    """ask − bid, rounded to the last digit that such prices can have: 10.1 − 9.3 is 0.8, as in decimals."""
    return round(ask - bid, PRICE_DIGITS - 1 - floor(log10(ask)))


def microprice(bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    """(bid·ask_size + ask·bid_size) / (bid_size + ask_size), limited to [bid, ask] against rounding errors.

    The mid if both sizes are 0.
    """
    total = bid_size + ask_size
    if not total:
        return (bid + ask) / 2
    price = bid + (ask - bid) * (bid_size / total)
    return price if price < ask else ask


def imbalance(bids: float, asks: float) -> float | None:
    """(bids − asks) / (bids + asks) in [−1, 1], positive for more bids; None if both are 0.

    Used for depths, for weighted depths, and as trade imbalance for volumes by taker side (bought, sold).
    """
    total = bids + asks
    return (bids - asks) / total if total else None


@cache
def rank_weights(depth: int) -> tuple[float, ...]:
    """Weights 1/i for i = 1 … depth, best first. Values weighted by rank do not compare across tick sizes."""
    return tuple(1 / rank for rank in range(1, depth + 1))


def order_flow(previous: Touch, current: Touch) -> float:
    """`ofi` of one update: e_n of Cont, Kukanov and Stoikov (arXiv 1011.6402), positive for buying pressure."""
    bid_before, bid_size_before, ask_before, ask_size_before = previous
    bid, bid_size, ask, ask_size = current
    flow = 0.0
    if bid >= bid_before:
        flow += bid_size
    if bid <= bid_before:
        flow -= bid_size_before
    if ask <= ask_before:
        flow -= ask_size
    if ask >= ask_before:
        flow += ask_size_before
    return flow


def depth_sums(sizes: Sequence[float], depth: int) -> tuple[float, float]:
    """Σ size and Σ size/rank of the best `depth` levels, given best first."""
    if depth == 10 and len(sizes) >= 10:  # the default, written out: half the time of the line below
        a, b, c, d, e, f, g, h, i, j = sizes[:10]
        return (
            a + b + c + d + e + f + g + h + i + j,
            a + b * (1 / 2) + c * (1 / 3) + d * (1 / 4) + e * (1 / 5)
            + f * (1 / 6) + g * (1 / 7) + h * (1 / 8) + i * (1 / 9) + j * (1 / 10),
        )  # fmt: skip
    return sum(sizes[:depth], 0.0), sum(map(mul, rank_weights(depth), sizes), 0.0)


class SideMetrics(Struct, gc=False):
    """Values of the record that depend on one side, over its best `levels` levels: touch, Σ size, Σ size/rank.

    `keys`, `sizes`: the levels that are published, best first. `metrics_beyond`: the best `levels` levels reach beyond
    the range that the book knows; `published_beyond`: those that are published do.
    """

    sign: float
    keys: list[float]
    sizes: list[float]
    price: float
    size: float
    depth: float
    weighted: float
    levels: int
    metrics_beyond: bool = False
    published_beyond: bool = False

    def published(self, levels: int) -> list[Level]:
        """Prices and sizes of the best `levels` levels."""
        return [(self.sign * key, size) for key, size in zip(self.keys[:levels], self.sizes[:levels], strict=True)]


def reaches_beyond(keys: Sequence[float], depth: int, known_to: float, covered: int) -> bool:
    """True if the best `depth` levels include one beyond `known_to`, or are fewer than the snapshot had."""
    return len(keys) < min(depth, covered) or (bool(keys) and keys[min(depth, len(keys)) - 1] < known_to)


def side_metrics(side: BookSide, depth: int, levels: int) -> SideMetrics:
    """Metrics of one side over `depth` levels, of which `levels` are published. Price and size of an empty side are 0.

    They are kept with the side until it changes: many frames change one side only.
    """
    longer = depth if depth > levels else levels
    end = -2 - longer
    keys, sizes = side.keys[-2:end:-1], side.sizes[-2:end:-1]
    count = len(keys)
    if not count:
        metrics = SideMetrics(side.sign, keys, sizes, 0.0, 0.0, 0.0, 0.0, 0)
    else:
        total, weighted = depth_sums(sizes, depth)
        counted = depth if count > depth else count
        metrics = SideMetrics(side.sign, keys, sizes, side.sign * keys[0], sizes[0], total, weighted, counted)
    if side.covered and (count < longer or keys[-1] < side.known_to):
        metrics.metrics_beyond = reaches_beyond(keys, depth, side.known_to, side.covered)
        metrics.published_beyond = reaches_beyond(keys, longer, side.known_to, side.covered)
    side.summary = metrics
    return metrics


def measure(
    venue: str,
    symbol: str,
    event_time: int,
    recv_us: int,
    update_id: int,
    bids: SideMetrics,
    asks: SideMetrics,
    depth: int,
    previous: Touch | None,
    flags: Sequence[str] = (),
) -> tuple[Processed, Touch | None]:
    """Return the processed record of a book that is not crossed, over its best `depth` levels, and the book's touch.

    `previous` is the touch after the previous update, None after a start, a gap or a one-sided book. Added to `flags`:
    `empty` (no levels), `one_sided` (imbalances are exactly ±1 and no alert may use them), `ofi_seed` (no previous
    touch). The touch is None for a book with an empty side.
    """
    bid, bid_size, ask, ask_size = bids.price, bids.size, asks.price, asks.size
    bid_depth, ask_depth = bids.depth, asks.depth
    bid_levels, ask_levels = bids.levels, asks.levels
    reasons = [*flags, "beyond_known_range"] if bids.metrics_beyond or asks.metrics_beyond else [*flags]
    current = middle = micro = width = width_bps = flow = None
    if bid_levels and ask_levels:
        current = bid, bid_size, ask, ask_size
        middle, width = (bid + ask) / 2, spread(bid, ask)
        width_bps = 1e4 * width / middle
        micro = microprice(bid, bid_size, ask, ask_size)
        if previous is None:
            reasons.append("ofi_seed")
        else:
            flow = order_flow(previous, current)
    else:
        reasons.append("one_sided" if bid_levels or ask_levels else "empty")
    total = bid_depth + ask_depth
    row = Processed(
        venue,
        symbol,
        event_time,
        recv_us,
        update_id,
        bid if bid_levels else None,
        bid_size if bid_levels else None,
        ask if ask_levels else None,
        ask_size if ask_levels else None,
        middle,
        micro,
        width,
        width_bps,
        bid_depth,
        ask_depth,
        imbalance(bid_depth, ask_depth),
        imbalance(bids.weighted, asks.weighted),
        (bid_size + ask_size) / total if total else None,  # vtob: share of the touch in the summed depth
        flow,
        bid_levels,
        ask_levels,
        depth,
        reasons,
    )
    return row, current
