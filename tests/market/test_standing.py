from hypothesis import given
from hypothesis import strategies as st

from market.standing import LOST, SYNCED, UPDATED, Standing, standing

SECOND = 1_000


def figures(*moments: tuple[int, int, float | None, float | None]) -> Standing:
    """Of time, in sync, imbalance (which is the weighted one, too) and spread (which is the microprice, too)."""
    rows = [
        (time, LOST if not synced else SYNCED if imbalance is None else UPDATED, *2 * (imbalance, spread))
        for time, synced, imbalance, spread in moments
    ]
    return standing(rows, SECOND)


def test_each_value_weighs_with_the_time_it_stood() -> None:
    found = figures((100, 1, 0.5, 1.0), (600, 1, -0.5, 2.0))
    assert (found.first_ms, found.counted_ms) == (100, 900)
    assert (found.imbalance_area, found.spread_area) == (0.5 * 500 - 0.5 * 400, 1.0 * 500 + 2.0 * 400)


def test_time_out_of_sync_and_time_without_a_value_do_not_count() -> None:
    found = figures((0, 1, 0.5, 1.0), (200, 0, None, None), (500, 1, None, None), (900, 1, 1.0, 1.0))
    assert (found.counted_ms, found.out_ms, found.imbalance_area) == (300, 300, 0.5 * 200 + 1.0 * 100)


def test_a_book_that_is_lost_at_the_end_hands_nothing_on() -> None:
    found = figures((0, 1, 0.5, 1.0), (200, 0, None, None))
    assert (found.last_counted, found.last_imbalance, found.last_spread, found.last_out) == (0, 0.0, 0.0, 1)


def test_opens_and_closes_skip_what_is_undefined() -> None:
    found = figures((0, 1, None, None), (1, 1, 0.1, 1.0), (2, 1, 0.2, 2.0), (3, 0, None, None))
    assert (found.imbalance_open, found.imbalance_close, found.microprice_close) == (0.1, 0.2, 2.0)


def test_of_one_millisecond_the_last_given_stands() -> None:
    assert figures((0, 1, 0.9, 1.0), (0, 1, 0.1, 1.0)).imbalance_area == 100.0


def test_in_one_millisecond_a_book_is_synced_then_updated_then_lost_whatever_comes_first() -> None:
    update, synced, lost = (500, 1, 0.5, 1.0), (500, 1, None, None), (500, 0, None, None)
    assert figures(update, synced) == figures(synced, update)
    assert figures(update, synced).counted_ms == 500
    assert figures(lost, update) == figures(update, lost)
    assert figures(lost, update).out_ms == 500


@given(st.lists(st.tuples(st.integers(0, 999), st.floats(-1, 1)), min_size=1, unique_by=lambda m: m[0]), st.randoms())
def test_order_of_arrival_does_not_matter(moments: list[tuple[int, float]], random) -> None:  # type: ignore[no-untyped-def]
    rows = [(time, 1, value, 1.0) for time, value in moments]
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert figures(*rows) == figures(*shuffled)
