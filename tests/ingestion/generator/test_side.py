"""One side of the model's book against a dictionary and a sort."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.generator.side import Side

PUTS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)))


@pytest.mark.parametrize("sign", [1, -1])
@given(PUTS)
def test_a_side_is_a_sorted_dictionary(sign: int, puts: list[tuple[int, int]]) -> None:
    side, naive = Side(sign), dict[int, int]()
    for tick, lots in puts:
        side.put(tick, lots)
        naive[tick] = lots
    levels = sorted(((tick, lots) for tick, lots in naive.items() if lots), key=lambda level: -sign * level[0])
    assert side.top(100) == levels
    assert side.top(3) == levels[:3]


@given(PUTS, PUTS)
def test_changes_lead_from_the_book_before_to_the_book_after(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    side = Side(1)
    for put in first:
        side.put(*put)
    side.changes()
    book = dict(side.lots)
    for put in second:
        side.put(*put)
    for tick, before, after in side.changes():
        assert book.get(tick, 0) == before != after
        book[tick] = after
    assert {tick: lots for tick, lots in book.items() if lots} == side.lots


def test_changes_are_told_once() -> None:
    side = Side(1)
    side.put(5, 2)
    assert side.changes() == [(5, 0, 2)]
    assert side.changes() == []
