"""Sequence rule of Example's books: `seq` counts up by one."""

from market.orderbook.feed_types import APPLY, GAP, SKIP, SequenceResult


def next_step(applied_id: int, seq: int) -> SequenceResult:
    """Treatment of an update for a book whose newest update is `applied_id`."""
    if seq <= applied_id:
        return SKIP
    return APPLY if seq == applied_id + 1 else GAP
