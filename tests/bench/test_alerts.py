"""Conditions of `bench alerts`: each planted one is an alert of its own, and the calm market raises none."""

from dataclasses import dataclass

import msgspec
import pytest

from bench import alerts
from bench.alert_latency import Found, Latencies, Planted, Result
from bench.alerts import BUSY, BUSY_RATE, LASTS_S, RULES, Planter, as_json
from bench.live_venue import LiveVenue
from core.settings import Settings
from core.topics import TICKS
from market.alerts.engine import AlertEngine
from market.alerts.rule_table import RuleTable
from market.alerts.rules import ALL_BOOKS, alert_rules
from market.orderbook.book_config import BookConfig
from simulator.generator.market import Market, MarketShape
from simulator.plants import Plant
from simulator.registry import SIMULATORS, instrument
from venues.registry import open_builder
from venues.stamping import Stamper

SYMBOL, START_US, STEP_US = "BTCUSDT", 1_767_225_600_000_000, 100_000
KEY = f"binance:{SYMBOL}"
PLANTS = {  # by step; a spread is compared with a minute of its history
    700: Plant(SYMBOL, "imbalance", "bid", 2.5),
    760: Plant(SYMBOL, "sweep", "ask"),
    800: Plant(SYMBOL, "spread", "bid", 2.5),
    860: Plant(SYMBOL, "wall", "ask"),
    866: Plant(SYMBOL, "pull", "ask"),
    900: Plant(SYMBOL, "imbalance", "ask", 2.5),
    960: Plant(SYMBOL, "sweep", "bid"),
    1000: Plant(SYMBOL, "wall", "bid"),
    1006: Plant(SYMBOL, "pull", "bid"),
}
RAISED = {
    "imbalance": "extreme_imbalance",
    "sweep": "trade_sweep",
    "spread": "spread_widening",
    "pull": "wall_vanished",
}


def enters(plants: dict[int, Plant]) -> list[tuple[str, int]]:
    """Rule and step of every alert of 1,100 steps, ten a second."""
    market, stamper = Market(instrument("binance", SYMBOL), MarketShape(), 1), Stamper("binance", "a")
    encoder = SIMULATORS["binance"].encoder(market, 1_000_000)
    builder = open_builder(KEY, BookConfig())
    settings = Settings()
    overrides = {(rule, ALL_BOOKS): thresholds for rule, thresholds in RULES.items()}
    engine = AlertEngine(KEY, RuleTable(alert_rules(settings), overrides), 90_000)
    encode, found = msgspec.json.Encoder().encode, []
    frames = [(encoder.snapshot_channel, encoder.snapshot(START_US))]
    for step in range(1100):
        now_us = START_US + step * STEP_US
        if plant := plants.get(step):
            plant.begin(market)
        for begin, other in plants.items():
            if other.lasts and step == begin + round(10 * other.seconds):
                other.end(market)
        moved = market.step()
        frames += [(encoder.trade_channel, trade) for trade in encoder.trades(moved, now_us)]
        frames.append((encoder.book_channel, encoder.delta(moved, now_us)))
        batch = builder.apply_all([encode(stamper.stamp(channel, SYMBOL, now_us, frame)) for channel, frame in frames])
        frames = []
        for _, line in engine.apply_all(TICKS.name, [*batch.ticks, *batch.trade_ticks]).alerts:
            alert = msgspec.json.decode(line)
            if alert["phase"] == "enter" and alert["rule"] in RULES:
                found.append((alert["rule"], (alert["event_time"] * 1000 - START_US) // STEP_US))
    return found


def test_every_planted_condition_is_an_alert_at_its_moment() -> None:
    alerts = enters(PLANTS)
    planted = [(RAISED[plant.condition], step) for step, plant in PLANTS.items() if plant.condition in RAISED]
    assert [rule for rule, _ in alerts] == [rule for rule, _ in planted]
    for (rule, step), (_, begin) in zip(alerts, planted, strict=True):
        held = (RULES[rule].held_ms or 0) // 100
        assert held <= step - begin <= held + 2, rule


def test_the_calm_market_raises_none() -> None:
    assert enters({}) == []


@dataclass
class FakeTime:
    """Stands for the module `time`, and for the control port of an exchange."""

    now: float = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def plant(self, symbol: str, condition: str, side: str, seconds: float = 0) -> int:
        return int(self.now * 1000)


class Noted(Latencies):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[Planted] = []

    def plant(self, planted: Planted) -> None:
        self.all.append(planted)


@pytest.mark.parametrize("seconds", [5, 12, 15, 30])
def test_conditions_of_a_book_are_episodes_of_their_own_over_all_cases(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    time, noted = FakeTime(), Noted()
    monkeypatch.setattr(alerts, "time", time)
    planter = Planter(noted, LiveVenue("binance", BUSY, BUSY_RATE, time))  # type: ignore[arg-type]
    for case in ("busy", "returning venue", "database away"):
        planter.run(case, seconds)
    assert len(noted.all) > 2 * seconds / 1.5
    for symbol in BUSY:
        own = [each for each in noted.all if each.book == f"binance:{symbol}"]
        for before, after in zip(own, own[1:], strict=False):
            ends_ms = before.begin_ms + 1000 * (LASTS_S.get(before.rule, 0) + (RULES[before.rule].cooldown_s or 0))
            assert after.begin_ms > ends_ms, after.rule


def test_a_result_is_printed_in_whole_milliseconds_with_its_latest_alert() -> None:
    result = Result(2, 1, 220.4, 650.6, Found(650.6, "trade_sweep", 512.3))
    assert as_json({"quiet books": result, "windows": Result(0, 1, None, None, None)}) == {
        "quiet_books": {
            **{"alerts": 2, "missed": 1, "p50_ms": 220, "p99_ms": 651},
            "slowest": {"latency_ms": 651, "rule": "trade_sweep", "tick_ms": 512},
        },
        "windows": {"alerts": 0, "missed": 1, "p50_ms": None, "p99_ms": None, "slowest": None},
    }
