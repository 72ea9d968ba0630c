"""Sequence rule of Deribit's books."""

import pytest

from market.orderbook.feed_types import SequenceResult
from venues.deribit.messages import BookData
from venues.deribit.sequencing import is_snapshot, next_step


def change(previous: int | None, change_id: int) -> BookData:
    return BookData("change", 1, "BTC-PERPETUAL", change_id, [], [], previous)


@pytest.mark.parametrize(
    ("previous", "at", "step"),
    [(10, 15, SequenceResult.APPLY), (5, 10, SequenceResult.SKIP), (12, 15, SequenceResult.GAP)],
)
def test_a_change_chains_by_its_predecessor(previous: int, at: int, step: SequenceResult) -> None:
    assert next_step(10, change(previous, at)) is step


@pytest.mark.parametrize("previous", [None, 0])
def test_a_change_without_a_predecessor_replaces_the_book(previous: int | None) -> None:
    assert is_snapshot(change(previous, 5))


def test_a_snapshot_with_a_predecessor_replaces_it_too() -> None:
    assert is_snapshot(BookData("snapshot", 1, "BTC-PERPETUAL", 5, [], [], 4))
