"""Walls of one side by the least and most depth of its ticks."""

from collections.abc import Sequence

import pytest

from market.alerts.walls import LIFETIME_MS, Best, WallSide

QUIET = (10.0, 11.0)
STANDS = (80.0, 82.0)


def removed(ticks: Sequence[tuple[float, float]], step_ms: int = 100, best: Best | None = None) -> list[float]:
    """Result of each tick, given its least and most depth."""
    side = WallSide()
    return [side.removed(number * step_ms, low, high, best) for number, (low, high) in enumerate(ticks)]


@pytest.mark.parametrize(
    "begins",
    [
        pytest.param([STANDS], id="between two ticks"),
        pytest.param([(10.0, 82.0), STANDS], id="within a tick"),
        pytest.param([(10.0, 82.0), (10.0, 82.0), STANDS], id="within a tick, and again"),
    ],
)
@pytest.mark.parametrize("ends", [pytest.param(QUIET, id="between"), pytest.param((9.0, 82.0), id="within")])
def test_a_wall_is_found_wherever_in_a_tick_it_begins_and_ends(
    begins: list[tuple[float, float]], ends: tuple[float, float]
) -> None:
    *before, last = removed([QUIET, *begins, STANDS, ends])
    assert not any(before) and last == pytest.approx(80 / max(11.0, ends[0]), rel=0.1)


def test_depth_that_rises_within_a_tick_and_stays_is_no_wall() -> None:
    assert not any(removed([QUIET, (10.0, 80.0), *[STANDS] * 30]))


def test_a_wall_that_stood_for_longer_is_forgotten() -> None:
    stood = [STANDS] * (LIFETIME_MS // 100 + 2)
    assert not any(removed([QUIET, (10.0, 82.0), *stood, QUIET]))


def test_the_next_wall_is_compared_with_the_depth_before_it() -> None:
    results = removed([QUIET, (10.0, 82.0), STANDS, QUIET, (10.0, 82.0), STANDS, QUIET])
    assert [bool(each) for each in results] == [False, False, False, True, False, False, True]


def test_a_wall_is_found_though_the_rest_of_the_side_has_doubled_since() -> None:
    assert removed([QUIET, STANDS, STANDS, (23.0, 82.0)])[-1] == pytest.approx(80 / 23)


def test_a_small_rise_before_a_wall_does_not_hide_it() -> None:
    small, large = (22.0, 23.0), (200.0, 202.0)
    assert removed([QUIET, small, large, large, (20.0, 21.0)])[-1] == pytest.approx(200 / 23)


def test_walls_that_are_removed_one_after_the_other_are_both_found() -> None:
    results = removed([QUIET, STANDS, (800.0, 802.0), STANDS, QUIET])
    assert results == [0, 0, 0, pytest.approx(800 / 82), pytest.approx(80 / 11)]
