"""The book against a dict that is sorted when asked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.book import Book, Side

PRICES = st.integers(1, 40).map(lambda tick: tick / 10)
SIZES = st.integers(0, 5).map(lambda lots: lots / 4)
MESSAGES = st.lists(st.lists(st.tuples(PRICES, SIZES), max_size=12), max_size=12)


def naive(messages: list[list[tuple[float, float]]], sign: int) -> list[tuple[float, float]]:
    """Levels best first, from a dict."""
    sizes = {price: size for levels in messages for price, size in levels}
    return sorted(((price, size) for price, size in sizes.items() if size), key=lambda level: -sign * level[0])


@pytest.mark.parametrize("sign", [1, -1])
@given(messages=MESSAGES)
@settings(max_examples=1_000)
def test_a_side_equals_a_dict_that_is_sorted(sign: int, messages: list[list[tuple[float, float]]]) -> None:
    side = Side(sign)
    for levels in messages:
        side.apply(levels)
    expected = naive(messages, sign)
    assert side.top(len(expected) + 5).levels() == expected
    assert (side.best(), len(side)) == (expected[0][0] if expected else None, len(expected))


@given(messages=MESSAGES, depth=st.integers(1, 5))
def test_truncation_keeps_the_best_levels(messages: list[list[tuple[float, float]]], depth: int) -> None:
    side = Side(1)
    for levels in messages:
        side.apply(levels)
    expected = side.top(depth).levels()
    side.truncate(depth)
    assert side.top(100).levels() == expected


@given(before=MESSAGES, after=MESSAGES)
def test_the_changes_taken_bring_a_copy_up_to_date(
    before: list[list[tuple[float, float]]], after: list[list[tuple[float, float]]]
) -> None:
    side, copy = Side(-1), Side(-1)
    for messages in (before, after):
        for levels in messages:
            side.apply(levels)
        side.truncate(8)
        install = copy.replace if side.whole else copy.apply
        install(list(zip(*side.take_changes(), strict=True)))
    assert copy.top(100).levels() == side.top(100).levels()


def test_a_change_that_sets_more_levels_than_there_are_becomes_the_whole_side() -> None:
    side = Side(1)
    side.apply([(100.0, 1.0), (99.0, 1.0), (98.0, 1.0)])
    side.take_changes()
    for step in range(2):
        side.apply([(100.0, 1.0 + step)])
    assert not side.whole
    for step in range(5_000):
        side.apply([(100.0, 1.0 + step)])
    assert side.whole and side.take_changes() == ([100.0, 99.0, 98.0], [5_000.0, 1.0, 1.0])


def test_removing_an_absent_price_is_normal() -> None:
    book = Book()
    assert book.apply([(100.0, 0.0)], [(101.0, 2.0), (101.0, 0.0)]) == 0
    assert len(book.bids) == len(book.asks) == 0


def test_of_a_price_that_comes_twice_in_a_snapshot_the_last_counts() -> None:
    book = Book()
    book.replace([(100.0, 1.0), (100.0, 3.0)], [(101.0, 1.0), (101.0, 0.0)])
    assert (book.bids.top(5).levels(), len(book.asks)) == ([(100.0, 3.0)], 0)


@pytest.mark.parametrize(("ask", "crossed"), [(99.0, True), (100.0, True), (100.5, False)])
def test_locked_and_crossed_books_are_crossed(ask: float, crossed: bool) -> None:
    book = Book()
    book.apply([(100.0, 1.0)], [(ask, 1.0)])
    assert book.crossed() is crossed


def test_a_one_sided_book_is_not_crossed() -> None:
    book = Book()
    book.apply([(100.0, 1.0)], [])
    assert not book.crossed() and not Book().crossed()
