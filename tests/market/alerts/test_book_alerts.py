"""Every rule of a book from enter through escalate to exit, from hand-written ticks."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from market.alerts.rule_table import RuleTable
from market.alerts.walls import Wall, WallSide
from tests.market.alerts.builders import NOON, RULES, alerts, book_tick, lost, phases, table, trade_tick


def ticks(values: dict[int, float], until: int, *fields: str, **more: Any) -> Iterator[bytes]:
    """A tick every 100 ms with the last given value in these fields."""
    now: dict[str, Any] = {}
    for ms in range(0, until, 100):
        now = dict.fromkeys(fields, values[ms]) if ms in values else now
        yield book_tick(ms, **now, **more)


def imbalances(values: dict[int, float], until: int, **more: Any) -> list[bytes]:
    return list(ticks(values, until, "imbalance", **more))


def test_an_imbalance_must_last_and_ends_below_nine_tenths_of_its_threshold() -> None:
    found = alerts(imbalances({500: 0.6, 3000: 0.8, 5000: 0.48, 6000: 0.3}, 7000))
    expected = [("enter", "medium", 1500), ("escalate", "high", 4000), ("exit", "high", 6000)]
    assert phases(found, "extreme_imbalance") == expected


def test_a_short_imbalance_and_one_of_an_empty_side_raise_no_alert() -> None:
    assert alerts(imbalances({500: 0.9, 1400: 0.0}, 3000)) == []
    assert alerts(imbalances({500: 1.0}, 3000, one_sided=True)) == []
    assert alerts(imbalances({500: 1.0}, 3000, flags=["one_sided"])) == []


def test_a_book_without_levels_on_a_side_raises_no_alert() -> None:
    flow: dict[str, Any] = {"ofi_1s": 30.0, "spread_bps": 30.0, "bid_depth": 0.1, "ask_depth": 0.1}
    raised = {alert.rule for alert in alerts(book_tick(ms, **flow) for ms in range(0, 3000, 100))}
    assert {"order_flow_burst", "spread_widening", "liquidity_withdrawal"} <= raised
    gone: dict[str, Any]
    for gone in ({"one_sided": True}, {"flags": ["one_sided"]}, {"flags": ["empty"]}):
        assert alerts(book_tick(ms, **flow, **gone) for ms in range(0, 3000, 100)) == []
        quiet = [book_tick(ms, updates=0, **flow, **gone) for ms in (3000, 4000)]
        assert alerts([book_tick(0), *quiet]) == []


def test_an_imbalance_that_changes_its_sign_within_a_tick_was_not_kept() -> None:
    spans = {"imbalance_low": -0.9, "imbalance_high": 0.9, "imbalance": 0.9}
    assert alerts(book_tick(ms, updates=2, **spans) for ms in range(0, 3000, 100)) == []


def test_a_quiet_book_keeps_its_imbalance_from_second_to_second() -> None:
    quiet = [book_tick(ms, updates=0, imbalance=0.6) for ms in (1000, 2000)]
    assert phases(alerts([book_tick(0, imbalance=0.6), *quiet]), "extreme_imbalance") == [("enter", "medium", 1000)]
    assert alerts(quiet) == []  # nothing is known before the first update


@pytest.mark.parametrize("state", ["gap", "stale", "untrusted"])
def test_a_lost_book_ends_its_alerts_at_once_and_begins_anew(state: str) -> None:
    values = [*imbalances({0: -0.6}, 1300), lost(1300, state), book_tick(1400, updates=0, imbalance=-0.6)]
    values += [book_tick(ms, imbalance=-0.6) for ms in range(1500, 2600, 100)]
    found = alerts(values, rules=table(extreme_imbalance={"cooldown_s": 60.0}))
    assert phases(found, "extreme_imbalance") == [
        ("enter", "medium", 1000),
        ("exit", "medium", 1300),
        ("enter", "medium", 2500),
    ]
    assert next(alert.value for alert in found if alert.phase == "exit") == 0.0


def test_an_alert_has_all_fields_of_the_contract() -> None:
    (first,) = alerts(imbalances({500: 0.6}, 2000))
    assert {name: getattr(first, name) for name in first.__struct_fields__} == {
        "id": f"extreme_imbalance|kraken|X|{NOON + 1500}|enter", "venue": "kraken", "symbol": "X",
        "rule": "extreme_imbalance", "severity": "medium", "phase": "enter", "episode": NOON + 1500,
        "event_time": NOON + 1500, "value": 0.6, "threshold": 0.5,
        "message": "kraken:X extreme_imbalance enter: value 0.6000, threshold 0.5000 (medium)",
    }  # fmt: skip


def test_the_message_has_every_number_however_large() -> None:
    (first,) = alerts([book_tick(0, ofi_1s=-1e300)])
    assert first.message == "kraken:X order_flow_burst enter: value -1e+300, threshold 12.0000 (high)"


def test_thresholds_of_a_book_or_of_all_books_override_the_defaults() -> None:
    rules = table()
    rules.apply("extreme_imbalance|kraken:X", b'{"medium": 0.3, "held_ms": 200, "high": null}')
    rules.apply("extreme_imbalance|kraken:OTHER", b'{"medium": 0.9}')
    (found,) = alerts(imbalances({500: 0.3}, 2000), rules=rules)
    assert (found.event_time, found.threshold) == (NOON + 700, 0.3)


def test_a_flip_is_strong_on_both_sides_within_five_seconds() -> None:
    found = alerts(imbalances({500: 0.6, 600: 0.1, 1500: -0.75, 2000: -0.1}, 3000))
    assert phases(found, "imbalance_flip") == [("enter", "medium", 1500), ("exit", "medium", 2000)]
    assert found[0].value == -0.6
    assert alerts(imbalances({500: 0.6, 600: 0.1, 7000: -0.75, 7500: 0.0}, 8000)) == []


def test_a_flip_can_be_asked_to_last() -> None:
    rules = table(imbalance_flip={"held_ms": 500})
    lasting = imbalances({500: 0.6, 600: 0.1, 1500: -0.75, 2100: -0.1}, 3000)
    assert phases(alerts(lasting, rules=rules), "imbalance_flip")[0] == ("enter", "medium", 2000)
    assert alerts(imbalances({500: 0.6, 600: 0.1, 1500: -0.75, 1900: -0.1}, 3000), rules=rules) == []


def test_liquidity_is_withdrawn_if_both_sides_lose_depth() -> None:
    found = alerts(ticks({1600: 4.0, 1700: 2.0, 3000: 9.0}, 4000, "bid_depth", "ask_depth"))
    expected = [("enter", "medium", 1600), ("escalate", "high", 1700), ("exit", "high", 3000)]
    assert phases(found, "liquidity_withdrawal") == expected
    assert found[0].value == pytest.approx(1 - 4 / 10)
    assert alerts(ticks({1600: 2.0}, 3000, "bid_depth")) == []  # one side alone: a move of the price
    assert alerts(ticks({1600: 2.0}, 3000, "bid_depth", "ask_depth", updates_5s=9)) == []  # no history


def test_a_wall_that_appears_and_vanishes() -> None:
    found = alerts(ticks({100: 45.0, 300: 10.0}, 700, "bid_depth"))
    assert phases(found, "wall_vanished") == [("enter", "medium", 300), ("exit", "medium", 400)]
    assert found[0].value == 4.5


def test_two_walls_that_vanish_at_once_give_one_reading_of_the_larger() -> None:
    raised = dict.fromkeys((100, 200), {"bid_depth": 35.0, "ask_depth": 80.0})
    found = alerts(book_tick(ms, **raised.get(ms, {})) for ms in range(0, 700, 100))
    assert [(alert.phase, alert.value) for alert in found] == [("enter", -8.0), ("exit", 0.0)]


def test_a_wall_may_grow_and_shrink_before_it_vanishes() -> None:
    found = alerts(ticks({100: 60.0, 200: 130.0, 300: 70.0, 400: 15.0}, 700, "ask_depth"))
    assert phases(found, "wall_vanished") == [("enter", "medium", 400), ("exit", "medium", 500)]
    assert found[0].value == -4.0


def test_a_wall_that_shrinks_in_steps_or_lasts_raises_no_alert() -> None:
    assert alerts(ticks({100: 45.0, 200: 19.0, 300: 9.0}, 700, "ask_depth")) == []
    assert alerts(ticks({100: 45.0, 2200: 10.0}, 2700, "ask_depth")) == []


def test_a_wall_on_a_side_that_was_empty_or_lost_raises_no_alert() -> None:
    between = {"one_sided": True, "ask_depth": 45.0}
    assert alerts([book_tick(0), book_tick(100, **between), book_tick(200, ask_depth=10.0)]) == []
    found = alerts([book_tick(0), book_tick(100, ask_depth=45.0), lost(150, "gap"), book_tick(200, ask_depth=10.0)])
    assert phases(found, "wall_vanished") == []


TOUCH = {"best_bid": 100.0, "best_bid_size": 2.0, "best_ask": 101.0, "best_ask_size": 2.0, "spread": 1.0}


def with_wall(side: str, first: dict[str, float], gone: dict[str, float]) -> list[tuple[str, str, int]]:
    """Alerts of a wall from 100 to 300 ms; `first`, `gone`: values of its first tick and of the one after it."""
    wall = TOUCH | {f"{side}_depth": 45.0}
    values = [TOUCH, wall | first, wall, TOUCH | gone]
    return phases(alerts(book_tick(100 * n, **tick) for n, tick in enumerate(values)), "wall_vanished")


@pytest.mark.parametrize(("side", "away"), [("bid", -1), ("ask", 1)])
def test_a_wall_that_trades_may_have_taken_raises_no_alert(side: str, away: int) -> None:
    price, size = f"best_{side}", f"best_{side}_size"
    usual = {price: TOUCH[price] + away}
    assert with_wall(side, {}, {}) == with_wall(side, {}, usual) == [("enter", "medium", 300)]
    far = {price: TOUCH[price] + 6 * away}
    assert with_wall(side, {}, far) == []  # several levels were taken
    assert with_wall(side, {}, {price: TOUCH[price] - 6 * away}) == []  # several levels came before it
    values = [TOUCH, *2 * [TOUCH | {f"{side}_depth": 45.0, size: 37.0}], TOUCH | usual]
    taken = alerts(book_tick(100 * n, **tick) for n, tick in enumerate(values))  # the wall was the best level
    assert phases(taken, "wall_vanished") == []
    values[-1] = TOUCH  # and its price still is, with less
    assert phases(alerts(book_tick(100 * n, **tick) for n, tick in enumerate(values)), "wall_vanished")


def test_walls_restore_from_a_state_without_the_best_level() -> None:
    saved = msgspec.msgpack.encode([10.0, 12.0, [[5, 10.0, 40.0]]])
    assert msgspec.msgpack.decode(saved, type=WallSide) == WallSide(10.0, 12.0, [Wall(5, 10.0, 40.0)], None)


@pytest.mark.parametrize(("side", "away"), [("bid", -1), ("ask", 1)])
def test_depth_that_comes_into_view_is_no_wall(side: str, away: int) -> None:
    assert with_wall(side, {f"best_{side}": TOUCH[f"best_{side}"] + 6 * away}, {}) == []


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    "broken",
    [{"flags": ["beyond_known_range"]}, {"flags": ["ofi_seed"]}, {"updates": 3, "ofi_count": 2}],
    ids=["beyond the known range", "after a snapshot", "a snapshot within the tick"],
)
def test_a_wall_beside_depths_that_cannot_be_compared_raises_no_alert(place: int, broken: dict[str, Any]) -> None:
    """`place` is the tick that breaks the comparison: before the wall, with it, and the one in which it is gone."""
    values = [{}, {"ask_depth": 45.0}, {}]
    values[place] = values[place] | broken
    found = alerts(book_tick(100 * n, **tick) for n, tick in enumerate(values))
    assert phases(found, "wall_vanished") == []


@pytest.mark.parametrize("state", ["gap", "stale", "untrusted"])
def test_a_wall_that_vanishes_while_the_book_is_lost_raises_no_alert(state: str) -> None:
    found = alerts(
        [book_tick(0), book_tick(100, ask_depth=45.0), lost(150, state), lost(160, "synced"), book_tick(200)]
    )
    assert phases(found, "wall_vanished") == []


def test_a_spread_against_its_own_median() -> None:
    spreads = {61_000: 2.5, 62_000: 5.0}
    values = [book_tick(ms, spread_bps=spreads.get(ms, 1.0)) for ms in range(60_000, 64_000, 1000)]
    expected = [("enter", "medium", 61_000), ("escalate", "high", 62_000), ("exit", "high", 63_000)]
    assert phases(alerts(values), "spread_widening") == expected
    assert alerts([book_tick(0, spread_bps=9.0, spread_seconds_5m=59)]) == []


def test_a_wide_spread_stands_while_the_book_is_quiet() -> None:
    quiet = [book_tick(0, spread_bps=3.0), *(book_tick(ms, updates=0, spread_bps=3.0) for ms in (1000, 2000))]
    found = alerts(quiet, rules=table(spread_widening={"held_ms": 2000}))
    assert [(alert.event_time - NOON, alert.value) for alert in found] == [(2000, 3.0)]


def test_order_flow_against_its_own_spread() -> None:
    flows = {61_000: 6.0, 62_000: 12.0}
    values = [book_tick(ms, ofi_1s=flows.get(ms, -1.0)) for ms in range(60_000, 64_000, 1000)]
    expected = [("enter", "medium", 61_000), ("escalate", "high", 62_000), ("exit", "high", 63_000)]
    assert phases(alerts(values), "order_flow_burst") == expected
    for missing in ({"ofi_seconds_5m": 59}, {"ofi_std_5m": 0.0}, {"ofi_mean_5m": None}):
        assert alerts([book_tick(0, ofi_1s=99.0, **missing)]) == []


def test_a_book_that_is_lost_then_untrusted_then_synced() -> None:
    found = alerts([book_tick(0), lost(1000, "gap"), lost(2000, "untrusted"), lost(3000, "synced")])
    expected = [("enter", "medium", 1000), ("escalate", "high", 2000), ("exit", "high", 3000)]
    assert phases(found, "book_stale") == expected


def test_a_sweep_of_several_levels_in_one_millisecond() -> None:
    found = alerts([trade_tick(100, sell_levels=7), trade_tick(300, buy_levels=1)])
    assert phases(found, "trade_sweep") == [("enter", "medium", 100), ("exit", "medium", 200)]
    assert found[0].value == -7.0
    assert alerts([trade_tick(100, 5, 5)]) == []


def test_sweeps_within_the_cooldown_belong_to_one_episode() -> None:
    rules = table(trade_sweep={"cooldown_s": 10.0})
    values = [trade_tick(0, 7), trade_tick(9000, 12), trade_tick(30_000, 1)]
    assert phases(alerts(values, rules=rules), "trade_sweep") == [
        ("enter", "medium", 0),
        ("escalate", "high", 9000),
        ("exit", "high", 19_100),
    ]


def test_without_further_trades_a_sweep_ends_by_the_clock_of_its_book() -> None:
    rules = table(trade_sweep={"cooldown_s": 10.0})
    before, after = book_tick(70_099, updates=0), book_tick(70_100, updates=0)
    assert phases(alerts([trade_tick(0, 7), before], rules=rules), "trade_sweep") == [("enter", "medium", 0)]
    found = alerts([trade_tick(0, 7), before, after], rules=rules)
    assert phases(found, "trade_sweep")[1:] == [("exit", "medium", 10_100)]


def test_a_loss_of_the_book_ends_no_sweep() -> None:
    found = alerts([trade_tick(0, 7), lost(100, "gap")], rules=table(trade_sweep={"cooldown_s": 10.0}))
    assert [alert.rule for alert in found if alert.phase == "exit"] == []


def test_default_thresholds_hold_and_rest() -> None:
    found = alerts(imbalances({500: 0.6, 11_900: 0.0}, 80_000), rules=RuleTable(RULES))
    assert phases(found, "extreme_imbalance") == [("enter", "medium", 10_500), ("exit", "medium", 71_900)]
