"""Latencies of alerts against planted conditions."""

from bench.alert_latency import MATCH_MS, Found, Latencies, Planted, Result, percentile
from core.records import Alert

BEGIN = 1_000_000
BOOK = "binance:BTCUSDT"


def alert(event_time: int, phase: str = "enter", rule: str = "extreme_imbalance") -> Alert:
    return Alert("id", "binance", "BTCUSDT", rule, "medium", phase, event_time, event_time, 0.9, 0.5, "")


def planted(begin: int = BEGIN, case: str = "busy") -> Planted:
    return Planted(BOOK, "extreme_imbalance", case, begin, held_ms=1000)


def result(alerts: int, missed: int, p50_ms: float, p99_ms: float, tick_ms: float | None = None) -> Result:
    return Result(alerts, missed, p50_ms, p99_ms, Found(p99_ms, "extreme_imbalance", tick_ms))


def test_latency_counts_from_the_moment_at_which_the_condition_had_held() -> None:
    latencies = Latencies()
    latencies.plant(planted())
    assert latencies.arrive(alert(BEGIN + 1050), BEGIN + 1234)
    assert latencies.finish() == {"busy": result(1, 0, 234, 234)}


def test_alerts_of_other_causes_are_ignored() -> None:
    latencies = Latencies()
    latencies.plant(planted())
    others = (alert(BEGIN + 900), alert(BEGIN + 1100, "exit"), alert(BEGIN + 1100, rule="trade_sweep"))
    assert [latencies.arrive(each, BEGIN + 2000) for each in others] == [True, False, False]
    assert latencies.arrive(alert(BEGIN + 1100), BEGIN + 1300)
    assert latencies.arrive(alert(BEGIN + 1200), BEGIN + 1300)
    assert latencies.finish() == {"busy": result(1, 0, 300, 300)}


def test_an_alert_may_arrive_before_its_condition_is_noted() -> None:
    latencies = Latencies()
    assert not latencies.arrive(alert(BEGIN + 1050), BEGIN + 1100)
    latencies.plant(planted())
    assert latencies.finish() == {"busy": result(1, 0, 100, 100)}


def test_a_condition_without_an_alert_is_missed() -> None:
    latencies = Latencies()
    latencies.plant(planted())
    latencies.plant(planted(BEGIN + 2 * MATCH_MS))
    latencies.plant(planted(BEGIN + 4 * MATCH_MS, "silent venue"))
    assert latencies.arrive(alert(BEGIN + 2 * MATCH_MS + 1000), BEGIN + 2 * MATCH_MS + 1100)
    assert latencies.finish() == {"busy": result(1, 1, 100, 100), "silent venue": Result(0, 1, None, None, None)}
    assert latencies.missed == [planted(), planted(BEGIN + 4 * MATCH_MS, "silent venue")]


def test_percentiles_are_values_of_the_sample() -> None:
    assert [percentile(range(1, 101), share) for share in (0.5, 0.99)] == [51, 100]
    assert percentile([], 0.5) is None


def test_an_alert_belongs_to_the_newest_condition_before_it() -> None:
    latencies = Latencies()
    for begin in (BEGIN, BEGIN + 5000, BEGIN + 10_000):
        latencies.plant(planted(begin))
    assert latencies.arrive(alert(BEGIN + 6050), BEGIN + 6200)
    assert latencies.finish() == {"busy": result(1, 2, 200, 200)}


def test_the_latest_alert_has_the_latency_of_its_tick() -> None:
    latencies = Latencies()
    latencies.plant(planted())
    for end_ms, arrived_ms in ((900, 950), (1000, 1080), (1000, 1500), (1100, 1170)):
        latencies.note_tick(BOOK, "book", BEGIN + end_ms, BEGIN + arrived_ms)
    latencies.note_tick(BOOK, "trade", BEGIN + 1000, BEGIN + 1010)
    assert latencies.arrive(alert(BEGIN + 1000), BEGIN + 1234)
    assert latencies.finish() == {"busy": result(1, 0, 234, 234, tick_ms=80)}


def test_an_alert_long_after_a_condition_is_not_its_alert() -> None:
    latencies = Latencies()
    latencies.plant(planted())
    assert latencies.arrive(alert(BEGIN + 1000 + MATCH_MS + 1), BEGIN + 5000)
    assert latencies.finish() == {"busy": Result(0, 1, None, None, None)}
