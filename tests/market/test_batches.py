"""Keepers against naive books, and against themselves: neither cuts between batches nor restores are seen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.builders import joined, keeper, play, restored, rows
from tests.market.scenarios import SCENARIOS, scenario, top, touch, touch_of

VENUES = pytest.mark.parametrize("venue", list(SCENARIOS))
SEEDS = st.integers(0, 2**32)


@VENUES
@given(seed=SEEDS)
@settings(max_examples=600)
def test_every_record_equals_the_naive_book_at_its_id_whatever_the_wire_does(venue: str, seed: int) -> None:
    values, truth = scenario(venue, seed)
    batch = play(venue, *values)
    for row in rows(batch):
        bids, asks = truth[row["update_id"]]
        assert touch_of(row) == touch((bids, asks))
        assert row["bid_depth"] == pytest.approx(sum(size for _, size in bids[:10]))
        assert (row["levels_bid"], row["levels_ask"]) == (len(bids[:10]), len(asks[:10]))


@VENUES
@given(seed=SEEDS)
@settings(max_examples=150)
def test_the_book_after_a_batch_equals_the_naive_one(venue: str, seed: int) -> None:
    values, truth = scenario(venue, seed)
    opened = keeper(venue)
    for start in range(0, len(values), 5):
        line = opened.apply_all(values[start : start + 5]).book
        if line:
            at, sides = top(line)
            assert sides == tuple(side[:20] for side in truth[at])


@VENUES
@given(seed=SEEDS, size=st.sampled_from([1, 2, 7]))
@settings(max_examples=100)
def test_batches_of_any_size_say_the_same(venue: str, seed: int, size: int) -> None:
    values, _ = scenario(venue, seed)
    opened = keeper(venue)
    batches = [opened.apply_all(values[start : start + size]) for start in range(0, len(values), size)]
    assert joined(batches) == joined([play(venue, *values)])


@VENUES
@given(seed=SEEDS, cuts=st.sets(st.integers(1, 60)))
@settings(max_examples=150)
def test_a_keeper_restored_at_any_boundary_says_the_same(venue: str, seed: int, cuts: set[int]) -> None:
    values, _ = scenario(venue, seed)
    assert joined(restored(venue, values, cuts)) == joined([play(venue, *values)])


@VENUES
def test_the_scenarios_are_not_idle(venue: str) -> None:
    batches = [play(venue, *scenario(venue, seed)[0]) for seed in range(50)]
    gaps, skipped, applied, rejected = (
        sum(getattr(batch.counts, name) for batch in batches) for name in ("gaps", "skipped", "applied", "rejected")
    )
    assert gaps > 30 and skipped > 100 and applied > 600 and rejected > 10
