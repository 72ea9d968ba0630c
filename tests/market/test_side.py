"""A side of a book against a dict that is sorted when asked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.side import Action, Side, absolute

PRICES = st.integers(1, 40).map(lambda tick: tick / 10)
SIZES = st.integers(0, 5).map(lambda lots: lots / 4)
ACTIONS = st.lists(st.tuples(st.sampled_from(["new", "change", "delete"]), PRICES, SIZES), max_size=12)
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


@pytest.mark.parametrize("sign", [1, -1])
@given(messages=st.lists(ACTIONS, max_size=12))
@settings(max_examples=1_000)
def test_actions_set_what_their_levels_would_and_count_what_surprises(sign: int, messages: list[list[Action]]) -> None:
    acted, applied, surprises = Side(sign), Side(sign), 0
    for actions in messages:
        for (action, _, _), level in zip(actions, absolute(actions), strict=True):
            there = level[0] in applied.top(100).prices()
            surprises += there == (action == "new")
            applied.apply([level])
    assert sum(acted.act(actions) for actions in messages) == surprises
    assert acted.top(100).levels() == applied.top(100).levels()


@given(before=ACTIONS, after=ACTIONS)
def test_actions_taken_as_changes_bring_a_copy_up_to_date(before: list[Action], after: list[Action]) -> None:
    side, copy = Side(1), Side(1)
    side.apply([(price / 10, 1.0) for price in range(60)])
    for actions in (before, after):
        side.act(actions)
        install = copy.replace if side.whole else copy.apply
        install(list(zip(*side.take_changes(), strict=True)))
    assert copy.top(100).levels() == side.top(100).levels()


def test_a_deleted_level_is_gone_whatever_its_size_says() -> None:
    side = Side(1)
    side.apply([(1.0, 2.0), (2.0, 2.0)])
    assert (side.act([("delete", 2.0, 7.0)]), side.best()) == (0, 1.0)
    assert list(absolute([("delete", 2.0, 7.0), ("new", 1.0, 3.0)])) == [(2.0, 0.0), (1.0, 3.0)]
