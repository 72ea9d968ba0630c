"""Every rule from entry through escalation to exit, each on a symbol of its own, from rows written by hand."""

import re
from collections.abc import Iterable

import pytest

from jobs.relations import statement
from market.settings import LEAST_SHARE
from tests.flink import Row

NOON = 1767268800000
CALM = {"imbalance": 0.0, "spread": 1.0, "spread_bps": 1.0, "bid_depth": 10.0, "ask_depth": 10.0, "ofi": 0.0}


def record(symbol: str, ms: int, **values: object) -> Row:
    fixed = {"venue": "binance", "symbol": symbol, "event_time": NOON + ms, "weighted_imbalance": 0.0, "flags": []}
    return fixed | {"microprice": 1.0} | CALM | values


def imbalances(symbol: str, values: dict[int, float], until: int, **more: object) -> Iterable[Row]:
    """A record every 100 ms with the imbalance that was last given."""
    now = 0.0
    for ms in range(0, until, 100):
        now = values.get(ms, now)
        yield record(symbol, ms, imbalance=now, **more)


def depths(symbol: str, values: dict[int, float], until: int, *sides: str) -> Iterable[Row]:
    """A record every 100 ms with the depth that was last given, on these sides."""
    now = 10.0
    for ms in range(0, until, 100):
        now = values.get(ms, now)
        yield record(symbol, ms, **dict.fromkeys(sides, now))


def status(symbol: str, ms: int, state: str) -> Row:
    return {"venue": "binance", "symbol": symbol, "event_time": NOON + ms, "state": state, "reason": "said"}


def trade(ms: int, price: float) -> Row:
    fixed = {"venue": "binance", "symbol": "SWEEP", "event_time": NOON + ms, "trade_id": f"{ms}-{price}"}
    return fixed | {"price": price, "size": 1.0, "side": "sell"}


LIFTED = dict.fromkeys((100, 200), {"bid_depth": 80.0, "ask_depth": 35.0})
EXTREME = {500: 0.6, 3000: 0.8, 5000: 0.48, 6000: 0.3}
RECORDS = [
    *imbalances("EXTREME", EXTREME, 7000),
    *imbalances("SHORT", {500: 0.9, 1400: 0.0}, 3000),
    *imbalances("SIDED", {500: 1.0}, 3000, flags=["one_sided"]),
    *imbalances("LOST", {500: -0.6}, 3000),
    *imbalances("RULED", {500: 0.3}, 3000),
    *imbalances("FLIP", {500: 0.6, 600: 0.1, 1500: -0.75, 2000: -0.1}, 3000),
    *imbalances("SLOW", {500: 0.6, 600: 0.1, 7000: -0.75, 7500: 0.0}, 8000),
    *depths("DRAIN", {1600: 4.0, 1700: 2.0}, 9000, "bid_depth", "ask_depth"),
    *depths("MOVED", {1600: 2.0}, 3000, "bid_depth"),
    *depths("WALL", {100: 35.0, 300: 10.0}, 700, "bid_depth"),
    *(record("BOTH", ms, **LIFTED.get(ms, {})) for ms in range(0, 700, 100)),
    *depths("GROWN", {100: 60.0, 200: 130.0, 300: 70.0, 400: 15.0}, 700, "ask_depth"),
    *depths("EATEN", {100: 35.0, 200: 19.0, 300: 9.0}, 700, "ask_depth"),
    *depths("STOOD", {100: 35.0, 2200: 10.0}, 2700, "ask_depth"),
    *(record("SPREAD", 1000 * s, spread_bps={61: 2.5, 62: 5.0}.get(s, 1.0)) for s in range(64)),
    *(record("FLOW", 1000 * s, ofi={61: 5.0, 62: 12.0}.get(s, (-1.0) ** s)) for s in range(64)),
]
STATES = [status("STALE", 1000, "gap"), status("LOST", 2000, "gap"), status("STALE", 2000, "untrusted")]
STATES.append(status("STALE", 3000, "synced"))
TRADES = [*(trade(100, 10.0 - level) for level in range(5)), trade(300, 5.0), trade(301, 4.0), trade(70_000, 4.0)]
INPUTS = {"processed": sorted(RECORDS, key=lambda row: row["event_time"]), "statuses": STATES, "trades": TRADES}
RULES = [
    {"rule_key": "extreme_imbalance|binance:RULED", "medium": 0.25, "high": None},
    {"rule_key": "extreme_imbalance|binance:OTHER", "medium": 0.01, "high": 0.02},
    {"rule_key": "wall_vanished|*", "medium": 3.2, "high": 9.0},
]


def story(alerts: list[Row], rule: str, symbol: str) -> list[tuple[str, str, int]]:
    """Phase, severity and time (ms after noon) of each of one rule's alerts on one symbol."""
    wanted = [row for row in alerts if (row["rule"], row["symbol"]) == (rule, symbol)]
    return [(row["phase"], row["severity"], row["event_time"] - NOON) for row in wanted]


def test_what_no_threshold_can_reach_is_what_is_left_out() -> None:
    bounds = re.findall(r">= (0\.\d+)", statement("views/telling_readings", {}))
    assert set(bounds) == {f"{0.9 * LEAST_SHARE:g}"}


def test_an_imbalance_must_last_and_leaves_only_below_nine_tenths(alerts: list[Row]) -> None:
    assert story(alerts, "extreme_imbalance", "EXTREME") == [
        ("enter", "medium", 1500),
        ("escalate", "high", 4000),
        ("exit", "high", 6000),
    ]


def test_one_that_does_not_last_and_one_of_an_empty_side_raise_nothing(alerts: list[Row]) -> None:
    assert story(alerts, "extreme_imbalance", "SHORT") == story(alerts, "extreme_imbalance", "SIDED") == []


def test_a_gap_ends_what_was_seen_in_the_book(alerts: list[Row]) -> None:
    assert story(alerts, "extreme_imbalance", "LOST")[:2] == [("enter", "medium", 1500), ("exit", "medium", 2000)]


def test_an_alert_says_all_that_the_contract_wants(alerts: list[Row]) -> None:
    first = next(row for row in alerts if row["symbol"] == "EXTREME")
    assert first == {
        "id": f"extreme_imbalance|binance|EXTREME|{NOON + 1500}|enter", "venue": "binance", "symbol": "EXTREME",
        "rule": "extreme_imbalance", "severity": "medium", "phase": "enter", "episode": NOON + 1500,
        "event_time": NOON + 1500, "value": 0.6, "threshold": 0.5,
        "message": "extreme_imbalance enter (medium) on binance:EXTREME: 0.6000 against 0.5000",
    }  # fmt: skip


def test_ids_are_unique_and_an_episode_keeps_its_beginning(alerts: list[Row]) -> None:
    assert len({row["id"] for row in alerts}) == len(alerts)
    assert {row["episode"] for row in alerts if row["symbol"] == "EXTREME"} == {NOON + 1500}


def test_thresholds_of_one_book_and_of_all_come_before_the_settings(alerts: list[Row]) -> None:
    assert story(alerts, "extreme_imbalance", "RULED") == [("enter", "medium", 1500)]
    (ruled,) = [row for row in alerts if row["symbol"] == "RULED"]
    assert ruled["threshold"] == 0.25
    (wall, _) = [row for row in alerts if row["symbol"] == "WALL"]
    assert (wall["threshold"], wall["value"]) == (3.2, 3.5)


def test_a_flip_is_strong_on_both_sides_within_five_seconds(alerts: list[Row]) -> None:
    assert story(alerts, "imbalance_flip", "FLIP") == [("enter", "medium", 1500), ("exit", "medium", 2000)]
    assert story(alerts, "imbalance_flip", "SLOW") == []


def test_both_sides_thin_out(alerts: list[Row]) -> None:
    drained = story(alerts, "liquidity_withdrawal", "DRAIN")
    assert drained[:2] == [("enter", "medium", 1600), ("escalate", "high", 1700)]
    assert [phase for phase, _, _ in drained] == ["enter", "escalate", "exit"]
    first = next(row for row in alerts if (row["rule"], row["symbol"]) == ("liquidity_withdrawal", "DRAIN"))
    assert first["value"] == pytest.approx(1 - 4 / ((16 * 10 + 4) / 17))
    assert story(alerts, "liquidity_withdrawal", "MOVED") == []  # one side alone: the price has moved


def test_a_wall_that_comes_and_goes(alerts: list[Row]) -> None:
    assert story(alerts, "wall_vanished", "WALL") == [("enter", "medium", 300), ("exit", "medium", 400)]


def test_two_walls_that_go_at_once_are_one_reading_that_of_the_larger(alerts: list[Row]) -> None:
    assert story(alerts, "wall_vanished", "BOTH") == [("enter", "medium", 300), ("exit", "medium", 400)]
    assert {row["value"] for row in alerts if row["symbol"] == "BOTH" and row["phase"] == "enter"} == {8.0}


def test_a_wall_may_grow_and_shrink_as_long_as_it_stands(alerts: list[Row]) -> None:
    assert story(alerts, "wall_vanished", "GROWN") == [("enter", "medium", 400), ("exit", "medium", 500)]


def test_a_wall_that_shrinks_bit_by_bit_or_stands_for_long_is_none(alerts: list[Row]) -> None:
    assert story(alerts, "wall_vanished", "EATEN") == story(alerts, "wall_vanished", "STOOD") == []


def test_a_spread_against_its_own_median(alerts: list[Row]) -> None:
    expected = [("enter", "medium", 61_000), ("escalate", "high", 62_000), ("exit", "high", 63_000)]
    assert story(alerts, "spread_widening", "SPREAD") == expected


def test_order_flow_against_its_own_spread(alerts: list[Row]) -> None:
    expected = [("enter", "medium", 61_000), ("escalate", "high", 62_000), ("exit", "high", 63_000)]
    assert story(alerts, "order_flow_burst", "FLOW") == expected


def test_a_book_that_is_lost_then_untrusted_then_back(alerts: list[Row]) -> None:
    assert story(alerts, "book_stale", "STALE") == [
        ("enter", "medium", 1000),
        ("escalate", "high", 2000),
        ("exit", "high", 3000),
    ]


def test_a_sweep_of_several_levels_in_one_millisecond(alerts: list[Row]) -> None:
    assert story(alerts, "trade_sweep", "SWEEP") == [("enter", "medium", 100), ("exit", "medium", 301)]
    assert next(row["value"] for row in alerts if row["rule"] == "trade_sweep") == -5.0
