"""Builders against naive books, and against themselves with other batches and with restores."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.market.orderbook.builders import batches_with_restores, build_batch, combined_output, new_builder, rows
from tests.venues.scenarios import SCENARIOS, book_touch, parse_book, record_touch, scenario

VENUES = pytest.mark.parametrize("venue", list(SCENARIOS))
SEEDS = st.integers(0, 2**32)


@VENUES
@given(seed=SEEDS)
@settings(max_examples=200)
def test_every_record_equals_the_naive_book_at_its_id_under_any_fault(venue: str, seed: int) -> None:
    values, books_by_id = scenario(venue, seed)
    batch = build_batch(venue, *values)
    for row in rows(batch):
        bids, asks = books_by_id[row["update_id"]]
        assert record_touch(row) == book_touch((bids, asks))
        assert row["bid_depth"] == pytest.approx(sum(size for _, size in bids[:10]))
        assert (row["levels_bid"], row["levels_ask"]) == (len(bids[:10]), len(asks[:10]))


@VENUES
@given(seed=SEEDS)
@settings(max_examples=75)
def test_the_book_after_a_batch_equals_the_naive_one(venue: str, seed: int) -> None:
    values, books_by_id = scenario(venue, seed)
    builder = new_builder(venue)
    for start in range(0, len(values), 5):
        line = builder.apply_all(values[start : start + 5]).book
        if line:
            at, sides = parse_book(line)
            assert sides == tuple(side[:20] for side in books_by_id[at])


@VENUES
@given(seed=SEEDS, size=st.sampled_from([1, 2, 7]))
@settings(max_examples=100)
def test_batches_of_any_size_give_the_same_output(venue: str, seed: int, size: int) -> None:
    values, _ = scenario(venue, seed)
    builder = new_builder(venue)
    batches = [builder.apply_all(values[start : start + size]) for start in range(0, len(values), size)]
    assert combined_output(batches) == combined_output([build_batch(venue, *values)])


@VENUES
@given(seed=SEEDS, cuts=st.sets(st.integers(1, 60)))
@settings(max_examples=75)
def test_a_builder_restored_at_any_boundary_gives_the_same_output(venue: str, seed: int, cuts: set[int]) -> None:
    values, _ = scenario(venue, seed)
    assert combined_output(batches_with_restores(venue, values, cuts)) == combined_output([build_batch(venue, *values)])


@VENUES
def test_the_scenarios_contain_gaps_skips_and_rejects(venue: str) -> None:
    batches = [build_batch(venue, *scenario(venue, seed)[0]) for seed in range(50)]
    gaps, skipped, applied, rejected = (
        sum(getattr(batch.counts, name) for batch in batches) for name in ("gaps", "skipped", "applied", "rejected")
    )
    assert gaps > 30 and skipped > 100 and applied > 600 and rejected > 10
