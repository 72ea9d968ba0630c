"""Reference vectors (O: order book, F: order flow) and properties of the metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Processed
from market.orderbook import depth_patterns, metrics
from market.orderbook.book import Book
from market.orderbook.book_side import Level
from market.orderbook.metrics import Touch, depth_sums, measure, rank_weights, side_metrics

WIDE = 100  # full depth


def processed(bids: list[Level], asks: list[Level], depth: int = WIDE, previous: Touch | None = None) -> Processed:
    book = Book()
    book.apply(bids, asks)
    sides = [side_metrics(side, depth, depth) for side in (book.bids, book.asks)]
    return measure("v", "s", 0, 0, 0, *sides, depth, previous)[0]


def ladder(first: float, step: float, sizes: list[float]) -> list[Level]:
    return [(first + step * rank, size) for rank, size in enumerate(sizes)]


def test_o1_imbalance_over_the_full_depth_is_a_half() -> None:
    assert processed([(100, 2), (99, 1)], [(101, 0.5), (102, 0.5)]).imbalance == 0.5


def test_o2_imbalance_of_the_top_two_is_a_fifth() -> None:
    row = processed(ladder(100, -1, [2, 1, 9]), ladder(101, 1, [1, 1, 9]), depth=2)
    assert row.imbalance == pytest.approx(0.2)


def test_o3_microprice_leans_to_the_thin_side() -> None:
    assert processed([(100, 1)], [(101, 3)]).microprice == 100.25


@pytest.mark.parametrize(("ask_size", "expected"), [(50, 100.0909090909), (60, 100.0892857143)])
def test_o4_microprice_of_a_heavy_bid(ask_size: float, expected: float) -> None:
    assert processed([(100.00, 500)], [(100.10, ask_size)]).microprice == pytest.approx(expected, rel=1e-12)


def test_o5_ten_quote_units_on_ten_thousand_are_just_under_ten_basis_points() -> None:
    assert processed([(10000, 1)], [(10010, 1)]).spread_bps == pytest.approx(9.99500249875, rel=1e-12)


@pytest.mark.parametrize(("bid", "ask", "expected"), [(9.3, 10.1, 0.8), (9.7, 10.3, 0.6)])
def test_o6_a_spread_equals_the_difference_of_decimals(bid: float, ask: float, expected: float) -> None:
    assert processed([(bid, 1)], [(ask, 1)]).spread == expected


def test_o7_share_of_the_touch_in_the_depth() -> None:
    row = processed([(100, 1.5), (99, 2.0)], [(101, 1.2), (102, 1.8)])
    assert row.vtob == pytest.approx(0.41538, abs=5e-6)


@pytest.mark.parametrize(("bid", "ask", "expected"), [(20, 10, 2.0), (14, 15, 0.93), (68, 38, 1.79), (81, 37, 2.19)])
def test_o8_to_o10_depth_ratio(bid: float, ask: float, expected: float) -> None:
    assert depth_patterns.depth_ratio(bid, ask) == pytest.approx(expected, abs=5e-3)


def test_o9_depths_of_three_levels() -> None:
    row = processed(ladder(100, -1, [20, 25, 23, 50]), ladder(101, 1, [10, 15, 13, 50]), depth=3)
    assert (row.bid_depth, row.ask_depth, row.levels_bid, row.depth) == (68, 38, 3, 3)


@pytest.mark.parametrize(("sizes", "fires"), [([20, 25, 3, 7, 5, 2], True), ([20, 15, 13, 12, 18, 20], False)])
def test_o11_and_o12_quote_fading(sizes: list[float], fires: bool) -> None:
    assert depth_patterns.quotes_fade(sizes) is fires


@pytest.mark.parametrize(("before", "now", "fires"), [(8, 4, True), (9, 8, False), (0, 0, False)])
def test_o13_depth_drop(before: float, now: float, fires: bool) -> None:
    assert depth_patterns.depth_dropped(before, now) is fires


def test_o14_a_level_exactly_one_percent_away_is_inside() -> None:
    asks = [(10.00, 10.0), (10.02, 15.0), (10.04, 13.0), (10.10, 12.0), (10.12, 18.0), (10.14, 20.0)]
    assert depth_patterns.depth_within(asks, 0.01) == 50
    assert depth_patterns.depth_within([], 0.01) == 0


START: Touch = (100, 5, 101, 4)
FLOWS = [
    ("F1", (100.5, 6, 101, 4), 6),
    ("F2", (99.5, 3, 101, 4), -5),
    ("F4 bid grows", (100, 7, 101, 4), 2),
    ("F4 ask grows", (100, 5, 101, 6), -2),
    ("F5 ask recedes", (100, 5, 101.5, 9), 4),
    ("F5 ask advances", (100, 5, 100.5, 2), -2),
]


@pytest.mark.parametrize(("name", "now", "expected"), FLOWS)
def test_order_flow_vectors(name: str, now: Touch, expected: float) -> None:
    row = processed([now[:2]], [now[2:]], previous=START)
    assert (row.ofi, row.flags) == (expected, [])


def test_f3_the_first_observation_only_seeds() -> None:
    row = processed([(100, 5)], [(101, 4)])
    assert (row.ofi, row.flags) == (None, ["ofi_seed"])


def test_f3_an_empty_book_has_zero_depths_and_no_other_value() -> None:
    row = processed([], [], previous=START)
    nothing = (row.mid, row.microprice, row.spread, row.spread_bps, row.imbalance, row.weighted_imbalance, row.vtob)
    assert set(nothing) | {row.ofi, row.best_bid, row.best_ask} == {None}
    assert (row.bid_depth, row.ask_depth, row.flags) == (0, 0, ["empty"])


@pytest.mark.parametrize(("bids", "asks", "sign"), [([(100.0, 2.0)], [], 1), ([], [(101.0, 2.0)], -1)])
def test_a_one_sided_book_has_imbalance_of_exactly_one(bids: list[Level], asks: list[Level], sign: int) -> None:
    row = processed(bids, asks, previous=START)
    assert (row.imbalance, row.weighted_imbalance, row.mid, row.spread, row.ofi) == (sign, sign, None, None, None)
    assert row.flags == ["one_sided"]


def test_weights_decrease_with_rank() -> None:
    row = processed(ladder(100, -1, [1, 1]), ladder(101, 1, [3, 0.5]))
    assert row.weighted_imbalance == pytest.approx((1.5 - 3.25) / (1.5 + 3.25))


def test_trade_imbalance_compares_taker_volumes_and_is_null_without_trades() -> None:
    assert metrics.imbalance(3.0, 1.0) == 0.5
    assert metrics.imbalance(0.0, 0.0) is None


def test_depth_ratio_without_asks_is_null() -> None:
    assert depth_patterns.depth_ratio(5.0, 0.0) is None


def test_microprice_without_sizes_is_the_mid() -> None:
    assert metrics.microprice(100.0, 0.0, 101.0, 0.0) == 100.5


TICKS = st.integers(1, 10**7)
SIZES = st.floats(5e-324, 1e14)


@given(bid=TICKS, gap=st.integers(1, 10**5), bid_size=SIZES, ask_size=SIZES)
def test_microprice_is_mid_plus_half_spread_times_imbalance_and_between_the_touch(
    bid: int, gap: int, bid_size: float, ask_size: float
) -> None:
    row = processed([(bid / 100, bid_size)], [((bid + gap) / 100, ask_size)])
    assert row.mid and row.spread and row.microprice and row.imbalance is not None
    assert row.microprice == pytest.approx(row.mid + row.spread / 2 * row.imbalance)
    assert bid / 100 <= row.microprice <= (bid + gap) / 100
    assert -1 <= row.imbalance <= 1 and row.vtob == 1


@given(bid=TICKS, gap=TICKS, decimals=st.integers(0, 8))
def test_a_spread_is_the_decimal_difference_at_any_tick(bid: int, gap: int, decimals: int) -> None:
    unit = 10**decimals
    assert metrics.spread(bid / unit, (bid + gap) / unit) == gap / unit


def in_order(values: list[float]) -> float:
    """Sum from the first value on, each addition rounded: Python 3.12 compensates in `sum`."""
    total = 0.0
    for value in values:
        total += value
    return total


@given(sizes=st.lists(st.floats(1e-8, 1e14), max_size=24))
def test_depth_sums_are_those_of_an_addition_from_the_best_level_on(sizes: list[float]) -> None:
    assert len(sizes) >= 10 or depth_sums(sizes, 10) == pytest.approx((sum(sizes), weighted_sum(sizes)))
    if len(sizes) >= 10:
        assert depth_sums(sizes, 10) == (in_order(sizes[:10]), weighted_sum(sizes[:10]))
    assert depth_sums(sizes, 7) == pytest.approx((sum(sizes[:7]), weighted_sum(sizes[:7])))


def weighted_sum(sizes: list[float]) -> float:
    return in_order([weight * size for weight, size in zip(rank_weights(len(sizes)), sizes, strict=True)])


def test_metrics_of_a_side_are_kept_until_it_changes() -> None:
    side = Book().bids
    side.apply([(100.0, 1.0), (99.0, 2.0)])
    first = side_metrics(side, 1, 2)
    assert side.summary is first
    assert (first.depth, first.levels, first.published(2)) == (1.0, 1, [(100.0, 1.0), (99.0, 2.0)])
    for change in (lambda: side.apply([(98.0, 1.0)]), lambda: side.truncate(1), lambda: side.replace([(97.0, 1.0)])):
        side_metrics(side, 1, 2)
        change()
        assert side.summary is None
