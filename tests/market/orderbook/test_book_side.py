"""A side of a book against a dict that is sorted on demand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.orderbook.book_side import BookSide, LevelChange, to_levels

# Drawn whole: a level is one draw, and an example of hypothesis costs as much as it has draws.
LEVELS = [(tick / 10, lots / 4) for tick in range(1, 41) for lots in range(6)]
CHANGES = [(action, *level) for action in ("new", "change", "delete") for level in LEVELS]
ACTIONS = st.lists(st.sampled_from(CHANGES), max_size=12)
MESSAGES = st.lists(st.lists(st.sampled_from(LEVELS), max_size=12), max_size=12)


def naive(messages: list[list[tuple[float, float]]], sign: int) -> list[tuple[float, float]]:
    """Levels best first, from a dict."""
    sizes = {price: size for levels in messages for price, size in levels}
    return sorted(((price, size) for price, size in sizes.items() if size), key=lambda level: -sign * level[0])


@pytest.mark.parametrize("sign", [1, -1])
@given(messages=MESSAGES)
@settings(max_examples=250)
def test_a_side_equals_a_sorted_dict(sign: int, messages: list[list[tuple[float, float]]]) -> None:
    side = BookSide(sign)
    for levels in messages:
        side.apply(levels)
    expected = naive(messages, sign)
    assert side.top(len(expected) + 5).levels() == expected
    assert (side.best(), len(side)) == (expected[0][0] if expected else None, len(expected))


@given(messages=MESSAGES, depth=st.integers(1, 5))
def test_truncation_keeps_the_best_levels(messages: list[list[tuple[float, float]]], depth: int) -> None:
    side = BookSide(1)
    for levels in messages:
        side.apply(levels)
    expected = side.top(depth).levels()
    side.truncate(depth)
    assert side.top(100).levels() == expected


@given(before=MESSAGES, after=MESSAGES)
def test_taken_changes_update_a_copy(
    before: list[list[tuple[float, float]]], after: list[list[tuple[float, float]]]
) -> None:
    side, copy = BookSide(-1), BookSide(-1)
    for messages in (before, after):
        for levels in messages:
            side.apply(levels)
        side.truncate(8)
        install = copy.replace if side.is_full else copy.apply
        install(list(zip(*side.take_changes(), strict=True)))
    assert copy.top(100).levels() == side.top(100).levels()


@pytest.mark.parametrize("sign", [1, -1])
@given(messages=MESSAGES)
def test_a_side_is_restored_from_what_was_taken_of_it(sign: int, messages: list[list[tuple[float, float]]]) -> None:
    side, restored = BookSide(sign), BookSide(sign)
    for number, levels in enumerate(messages):
        side.apply_texts(levels, [f"{number}/{place}".encode() for place in range(len(levels))])
    prices, sizes = side.take_changes()
    restored.restore(prices, sizes, side.checksum_texts_of(prices, sizes))
    assert restored.top(100) == side.top(100)
    assert restored.checksum_text(10) == side.checksum_text(10)
    assert restored.dirty
    restored.forget_changes()
    assert not restored.dirty
    restored.apply_texts([(7.0, 1.0)], [b"7"])
    assert restored.take_changes() == ((7.0,), (1.0,))


def test_changes_to_more_levels_than_exist_become_the_full_side() -> None:
    side = BookSide(1)
    side.apply([(100.0, 1.0), (99.0, 1.0), (98.0, 1.0)])
    side.take_changes()
    for step in range(2):
        side.apply([(100.0, 1.0 + step)])
    assert not side.is_full
    for step in range(5_000):
        side.apply([(100.0, 1.0 + step)])
    assert side.is_full and side.take_changes() == ([100.0, 99.0, 98.0], [5_000.0, 1.0, 1.0])


@pytest.mark.parametrize("sign", [1, -1])
@given(messages=st.lists(ACTIONS, max_size=12))
@settings(max_examples=250)
def test_actions_set_the_same_levels_as_sizes_do_and_count_surprises(
    sign: int, messages: list[list[LevelChange]]
) -> None:
    by_actions, by_levels, surprises = BookSide(sign), BookSide(sign), 0
    for actions in messages:
        for (action, _, _), level in zip(actions, to_levels(actions), strict=True):
            there = level[0] in by_levels.top(100).prices()
            surprises += there == (action == "new")
            by_levels.apply([level])
    assert sum(by_actions.apply_actions(actions) for actions in messages) == surprises
    assert by_actions.top(100).levels() == by_levels.top(100).levels()


@given(before=ACTIONS, after=ACTIONS)
def test_changes_taken_after_actions_update_a_copy(before: list[LevelChange], after: list[LevelChange]) -> None:
    side, copy = BookSide(1), BookSide(1)
    side.apply([(price / 10, 1.0) for price in range(60)])
    for actions in (before, after):
        side.apply_actions(actions)
        install = copy.replace if side.is_full else copy.apply
        install(list(zip(*side.take_changes(), strict=True)))
    assert copy.top(100).levels() == side.top(100).levels()


def test_a_deleted_level_is_removed_whatever_its_size() -> None:
    side = BookSide(1)
    side.apply([(1.0, 2.0), (2.0, 2.0)])
    assert (side.apply_actions([("delete", 2.0, 7.0)]), side.best()) == (0, 1.0)
    assert list(to_levels([("delete", 2.0, 7.0), ("new", 1.0, 3.0)])) == [(2.0, 0.0), (1.0, 3.0)]


@pytest.mark.parametrize("sign", [1, -1])
@given(messages=MESSAGES, depth=st.integers(1, 6))
def test_texts_stay_with_their_levels(sign: int, messages: list[list[tuple[float, float]]], depth: int) -> None:
    side, plain = BookSide(sign), BookSide(sign)
    newest: dict[float, bytes] = {}
    for number, levels in enumerate(messages):
        texts = [f"{number}/{place}".encode() for place in range(len(levels))]
        newest |= dict(zip([price for price, _ in levels], texts, strict=True))
        side.apply_texts(levels, texts)
        plain.apply(levels)
        for each in (side, plain):
            each.truncate(depth)
        best = plain.top(depth)
        assert side.top(depth) == best
        assert side.checksum_text(depth) == b"".join(newest[price] for price in best.prices())
        assert side.checksum_texts_of(best.prices(), best.sizes) == [newest[price] for price in best.prices()]
    assert side.has_texts == (len(side) > 0)
