"""Binance USD-M's rule: by `pu`, and by nothing else."""

import pytest

from market.envelope import Unusable
from market.venues.binance import DepthUpdate
from market.venues.binance_usdm import UsdmRule
from market.venues.wire import Step


def update(previous: int, first: int, last: int) -> DepthUpdate:
    return DepthUpdate("depthUpdate", 1, "BTCUSDT", first, last, [], [], 1, previous)


BRIDGES = [
    ("strictly older", 80, 85, 99, Step.SKIP),
    ("ends at the snapshot", 80, 95, 100, Step.APPLY),
    ("starts at the snapshot", 90, 100, 110, Step.APPLY),
    ("spans the snapshot", 80, 95, 110, Step.APPLY),
    ("chains on the snapshot", 100, 105, 110, Step.APPLY),
    ("the snapshot lies in the hole before it", 95, 105, 110, Step.APPLY),
    ("starts after the snapshot", 101, 105, 110, Step.GAP),
]


@pytest.mark.parametrize(("name", "previous", "first", "last", "step"), BRIDGES)
def test_the_first_update_after_a_snapshot(name: str, previous: int, first: int, last: int, step: Step) -> None:
    assert UsdmRule.bridge(100, update(previous, first, last)) is step


STEPS = [
    ("chains, though U is far ahead", 100, 150, 160, Step.APPLY),
    ("is known", 80, 90, 100, Step.SKIP),
    ("misses its predecessor", 140, 150, 160, Step.GAP),
    ("overlaps without chaining", 90, 95, 110, Step.GAP),
]


@pytest.mark.parametrize(("name", "previous", "first", "last", "step"), STEPS)
def test_a_later_update_chains_by_the_previous_id_alone(
    name: str, previous: int, first: int, last: int, step: Step
) -> None:
    assert UsdmRule.step(100, update(previous, first, last)) is step


def test_a_gap_names_the_previous_id_expected_and_the_one_that_came() -> None:
    assert UsdmRule.broken(100, update(140, 150, 160)) == (100, 140)


@pytest.mark.parametrize("ids", [(10, 9, 12), (1, 9, 8), (0, 1, 2)])
def test_missing_or_contradicting_ids_are_refused(ids: tuple[int, int, int]) -> None:
    with pytest.raises(Unusable, match="expected pu"):
        UsdmRule.check(update(*ids))
