"""One side of the model's book, compared with a sorted dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.generator.side import ModelSide

PUTS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)))


@pytest.mark.parametrize("sign", [1, -1])
@given(PUTS)
def test_a_side_equals_a_sorted_dictionary(sign: int, puts: list[tuple[int, int]]) -> None:
    side, naive = ModelSide(sign), dict[int, int]()
    for tick, lots in puts:
        side.put(tick, lots)
        naive[tick] = lots
    levels = sorted(((tick, lots) for tick, lots in naive.items() if lots), key=lambda level: -sign * level[0])
    assert side.top(100) == levels
    assert side.top(3) == levels[:3]


@given(PUTS, PUTS)
def test_changes_transform_the_previous_book_into_the_current_one(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    side = ModelSide(1)
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


def test_changes_are_returned_once() -> None:
    side = ModelSide(1)
    side.put(5, 2)
    assert side.changes() == [(5, 0, 2)]
    assert side.changes() == []
