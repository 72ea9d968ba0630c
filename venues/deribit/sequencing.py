"""Sequence rule of Deribit's books: a change names the change before it (docs/venues/deribit.md)."""

from market.orderbook.feed_types import APPLY, GAP, SKIP, SequenceResult
from venues.deribit.messages import BookData


def is_snapshot(data: BookData) -> bool:
    """True for a message that replaces the book, which a `change` without a predecessor does too.

    Such changes were seen after an empty book.
    """
    return data.type == "snapshot" or not data.prev_change_id


def changes_levels(data: BookData) -> bool:
    """True for a message that changes or deletes levels, which thus must exist: no message that replaces the book."""
    return any(action != "new" for side in (data.bids, data.asks) for action, *_ in side)


def next_step(applied_id: int, data: BookData) -> SequenceResult:
    """Treatment of a change for a book whose newest change is `applied_id`."""
    if data.prev_change_id == applied_id:
        return APPLY
    return SKIP if data.change_id <= applied_id else GAP
