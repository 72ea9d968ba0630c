"""Sequence rules: spot by `U` and `u`, USD-M by `pu` alone."""

import pytest

from core.envelope import InvalidRecord
from market.orderbook.feed_types import SequenceResult
from venues.binance.messages import DepthUpdate
from venues.binance.sequencing import SpotRule, UsdmRule


def spot_update(first: int, last: int) -> DepthUpdate:
    return DepthUpdate("depthUpdate", 1, "ETHUSDT", first, last, [], [])


SPOT_STEPS = [
    (11, 15, SequenceResult.APPLY),
    (5, 15, SequenceResult.APPLY),
    (5, 11, SequenceResult.APPLY),
    (5, 10, SequenceResult.SKIP),
    (10, 10, SequenceResult.SKIP),
    (12, 15, SequenceResult.GAP),
]


@pytest.mark.parametrize(("first", "last", "step"), SPOT_STEPS)
def test_a_spot_update_must_start_at_or_before_the_next_id(first: int, last: int, step: SequenceResult) -> None:
    assert SpotRule.step(10, spot_update(first, last)) is step


@pytest.mark.parametrize(
    ("first", "last", "step"),
    [
        *((first, last, step) for first, last, step in SPOT_STEPS if last != 10),
        (5, 9, SequenceResult.SKIP),
        (5, 10, SequenceResult.APPLY),
        (10, 10, SequenceResult.APPLY),
    ],
)
def test_the_first_spot_update_after_a_snapshot_ends_at_or_after_it(
    first: int, last: int, step: SequenceResult
) -> None:
    assert SpotRule.bridge(10, spot_update(first, last)) is step


def test_a_spot_gap_has_the_expected_and_the_actual_first_id() -> None:
    assert SpotRule.gap_ids(10, spot_update(12, 15)) == (11, 12)


def test_ids_that_run_backwards_are_rejected() -> None:
    with pytest.raises(InvalidRecord, match="expected U <= u, got U 9 and u 8"):
        SpotRule.check_ids(spot_update(9, 8))


def usdm_update(previous: int, first: int, last: int) -> DepthUpdate:
    return DepthUpdate("depthUpdate", 1, "BTCUSDT", first, last, [], [], 1, previous)


BRIDGES = [
    ("strictly older", 80, 85, 99, SequenceResult.SKIP),
    ("ends at the snapshot", 80, 95, 100, SequenceResult.APPLY),
    ("starts at the snapshot", 90, 100, 110, SequenceResult.APPLY),
    ("spans the snapshot", 80, 95, 110, SequenceResult.APPLY),
    ("chains on the snapshot", 100, 105, 110, SequenceResult.APPLY),
    ("the snapshot lies in the hole before it", 95, 105, 110, SequenceResult.APPLY),
    ("starts after the snapshot", 101, 105, 110, SequenceResult.GAP),
]


@pytest.mark.parametrize(("name", "previous", "first", "last", "step"), BRIDGES)
def test_the_first_update_after_a_snapshot(
    name: str, previous: int, first: int, last: int, step: SequenceResult
) -> None:
    assert UsdmRule.bridge(100, usdm_update(previous, first, last)) is step


STEPS = [
    ("chains, though U is far ahead", 100, 150, 160, SequenceResult.APPLY),
    ("is a duplicate", 80, 90, 100, SequenceResult.SKIP),
    ("misses its predecessor", 140, 150, 160, SequenceResult.GAP),
    ("overlaps without chaining", 90, 95, 110, SequenceResult.GAP),
]


@pytest.mark.parametrize(("name", "previous", "first", "last", "step"), STEPS)
def test_a_later_update_chains_by_the_previous_id_alone(
    name: str, previous: int, first: int, last: int, step: SequenceResult
) -> None:
    assert UsdmRule.step(100, usdm_update(previous, first, last)) is step


def test_a_usdm_gap_has_the_expected_and_the_actual_previous_id() -> None:
    assert UsdmRule.gap_ids(100, usdm_update(140, 150, 160)) == (100, 140)


@pytest.mark.parametrize("ids", [(10, 9, 12), (1, 9, 8), (0, 1, 2)])
def test_missing_or_contradicting_ids_are_rejected(ids: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidRecord, match="expected pu"):
        UsdmRule.check_ids(usdm_update(*ids))
