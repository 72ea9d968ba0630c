"""Functions of depths and sizes that no job publishes: ratio, depth near the best price, fading and dropping sizes."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from market.orderbook.book_side import Level

FADING_RATIO = 3.0


def depth_ratio(bids: float, asks: float) -> float | None:
    """bids / asks in [0, ∞); None without asks."""
    return bids / asks if asks else None


def depth_within(levels: Iterable[Level], share: float) -> float:
    """Σ size of the levels (best first) within `share` of the side's best price, inclusive (0.01 is 1 %).

    Decimals are compared, since doubles decide wrongly at an inclusive limit.
    """
    levels = list(levels)
    if not levels:
        return 0.0
    best = Decimal(str(levels[0][0]))
    limit = best * Decimal(str(share))
    return sum(size for price, size in levels if abs(Decimal(str(price)) - best) <= limit)


def quotes_fade(sizes: Sequence[float]) -> bool:
    """True if the mean size of levels 1–2 exceeds three times that of levels 3–5."""
    near, far = sizes[:2], sizes[2:5]
    return bool(far) and sum(near) / len(near) > FADING_RATIO * sum(far) / len(far)


def depth_dropped(before: float, now: float, share: float = 0.5) -> bool:
    """True if a size fell by at least `share` of itself between two samples."""
    return before > 0 and (before - now) / before >= share
