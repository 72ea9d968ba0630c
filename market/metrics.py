"""Order-book metrics (analytics.md §2), each once: `measure` builds the processed record from the same functions.

Sizes are in base units (Deribit: USD for perpetuals and inverse futures, coin for options), prices in quote currency.
None means undefined. Sums run from the best level on; Python 3.12 compensates `sum`, so that a last digit may differ
from 3.11's. Prices and sizes are doubles, which hold every venue's decimals exactly enough (`records.py`).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from math import floor, log10
from operator import mul

from msgspec import Struct

from market.records import Processed
from market.side import Level, Top

PRICE_DIGITS = 15  # no venue prints more significant digits, so a difference of two prices is exact at this many
FADING_RATIO = 3.0


class Touch(Struct, array_like=True, gc=False):
    """Best price and size of both sides of a two-sided book."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float


@lru_cache(maxsize=1024)  # every second update leaves the touch's prices as they were, and rounding takes long
def spread(bid: float, ask: float) -> float:
    """ask − bid as decimals would give it (10.1 − 9.3 is 0.8): rounded to the last digit such prices can have."""
    return round(ask - bid, PRICE_DIGITS - 1 - floor(log10(ask)))


def microprice(bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    """(bid·ask_size + ask·bid_size) / (bid_size + ask_size), kept in [bid, ask] against rounding.

    Both sizes 0: the mid.
    """
    total = bid_size + ask_size
    if not total:
        return (bid + ask) / 2
    price = bid + (ask - bid) * (bid_size / total)
    return price if price < ask else ask


def imbalance(bids: float, asks: float) -> float | None:
    """(bids − asks) / (bids + asks) in [−1, 1], + is bid heavy; None when both are 0.

    Of depths, of weighted depths, and (trade imbalance) of volumes by taker side: bought, sold.
    """
    total = bids + asks
    return (bids - asks) / total if total else None


def depth_ratio(bids: float, asks: float) -> float | None:
    """bids / asks in [0, ∞); None when there are no asks."""
    return bids / asks if asks else None


@cache
def rank_weights(depth: int) -> tuple[float, ...]:
    """1/i for i = 1 … depth, best first. Rank weights do not compare across tick sizes."""
    return tuple(1 / rank for rank in range(1, depth + 1))


def order_flow(before: Touch, now: Touch) -> float:
    """`ofi` of one update: e_n of Cont, Kukanov and Stoikov (arXiv 1011.6402), base units, + is buying pressure."""
    flow = 0.0
    if now.bid >= before.bid:
        flow += now.bid_size
    if now.bid <= before.bid:
        flow -= before.bid_size
    if now.ask <= before.ask:
        flow -= now.ask_size
    if now.ask >= before.ask:
        flow += before.ask_size
    return flow


def depth_within(levels: Iterable[Level], share: float) -> float:
    """Σ size of the levels (best first) within `share` of the best price of the side, inclusive (0.01 is 1 %).

    Compared in decimals, since an inclusive limit is where a double decides wrongly.
    """
    levels = list(levels)
    if not levels:
        return 0.0
    best = Decimal(str(levels[0][0]))
    limit = best * Decimal(str(share))
    return sum(size for price, size in levels if abs(Decimal(str(price)) - best) <= limit)


def quotes_fade(sizes: Sequence[float]) -> bool:
    """Whether the mean size of levels 1–2 exceeds three times that of levels 3–5 (analytics.md §3)."""
    near, far = sizes[:2], sizes[2:5]
    return bool(far) and sum(near) / len(near) > FADING_RATIO * sum(far) / len(far)


def depth_dropped(before: float, now: float, share: float = 0.5) -> bool:
    """Whether a size fell by at least `share` of itself between two samples."""
    return before > 0 and (before - now) / before >= share


class SideMetrics(Struct, gc=False):
    """What one side alone adds to the record, over its best `levels` levels: touch, Σ size, Σ size/rank."""

    top: Top
    price: float
    size: float
    depth: float
    weighted: float
    levels: int


def side_metrics(top: Top, weights: Sequence[float]) -> SideMetrics:
    """One side over as many levels as there are weights. Price and size of an empty side are 0."""
    sizes = top.sizes[: len(weights)]
    if not sizes:
        return SideMetrics(top, 0.0, 0.0, 0.0, 0.0, 0)
    return SideMetrics(top, top.sign * top.keys[0], sizes[0], sum(sizes), sum(map(mul, weights, sizes)), len(sizes))


def measure(
    venue: str,
    symbol: str,
    event_time: int,
    recv_us: int,
    update_id: int,
    bids: SideMetrics,
    asks: SideMetrics,
    depth: int,
    before: Touch | None,
    flags: Sequence[str] = (),
) -> tuple[Processed, Touch | None]:
    """Everything the processed record says of a book that is not crossed, over its best `depth` levels; and its touch.

    `before` is the touch after the previous update, None after a start, a gap or a one-sided book. Added to `flags`:
    `empty` (both sides), `one_sided` (imbalances are exactly ±1 and no alert may use them), `ofi_seed` (nothing to
    compare with).
    """
    bid, bid_size, ask, ask_size = bids.price, bids.size, asks.price, asks.size
    bid_depth, ask_depth = bids.depth, asks.depth
    bid_levels, ask_levels = bids.levels, asks.levels
    reasons = [*flags]
    now = middle = micro = gap = gap_bps = flow = None
    if bid_levels and ask_levels:
        now = Touch(bid, bid_size, ask, ask_size)
        middle, gap = (bid + ask) / 2, spread(bid, ask)
        gap_bps = 1e4 * gap / middle
        micro = microprice(bid, bid_size, ask, ask_size)
        if before is None:
            reasons.append("ofi_seed")
        else:
            flow = order_flow(before, now)
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
        gap,
        gap_bps,
        bid_depth,
        ask_depth,
        imbalance(bid_depth, ask_depth),
        imbalance(bids.weighted, asks.weighted),
        (bid_size + ask_size) / total if total else None,  # vtob: the touch's share of the summed depth
        flow,
        bid_levels,
        ask_levels,
        depth,
        reasons,
    )
    return row, now
