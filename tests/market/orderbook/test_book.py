"""Both sides of a book together."""

import pytest

from market.orderbook.book import Book


def test_removing_an_absent_price_is_normal() -> None:
    book = Book()
    book.apply([(100.0, 0.0)], [(101.0, 2.0), (101.0, 0.0)])
    assert len(book.bids) == len(book.asks) == 0


def test_the_last_size_of_a_repeated_price_in_a_snapshot_counts() -> None:
    book = Book()
    book.replace([(100.0, 1.0), (100.0, 3.0)], [(101.0, 1.0), (101.0, 0.0)])
    assert (book.bids.top(5).levels(), len(book.asks)) == ([(100.0, 3.0)], 0)


@pytest.mark.parametrize(("ask", "crossed"), [(99.0, True), (100.0, True), (100.5, False)])
def test_locked_and_crossed_books_count_as_crossed(ask: float, crossed: bool) -> None:
    book = Book()
    book.apply([(100.0, 1.0)], [(ask, 1.0)])
    assert book.crossed() is crossed


def test_a_one_sided_book_is_not_crossed() -> None:
    book = Book()
    book.apply([(100.0, 1.0)], [])
    assert not book.crossed() and not Book().crossed()
