"""The feed of alerts and their heat map, over rows that the test wrote."""

from datetime import timedelta

from dashboard.history import alerts
from dashboard.history.alerts import AlertFilter
from dashboard.history.database import History, Span
from tests.dashboard.rows import START, alert, insert

SPAN = Span(START, START + timedelta(hours=3))
ALL = AlertFilter()


def write(writer: str) -> None:
    rows = [
        alert(-1, "quote_stuffing"),
        alert(10, "extreme_imbalance"),
        alert(20, "extreme_imbalance", "high"),
        alert(25, "extreme_imbalance", phase="exit"),
        alert(3700, "extreme_imbalance"),
        alert(7300, "sweep", "high"),
        alert(3 * 3600, "wall"),
    ]
    insert(writer, "orderbook_alerts", rows)


def test_the_feed_is_newest_first_with_all_phases_of_the_span(history: History, writer: str) -> None:
    write(writer)
    found = alerts.feed(history, SPAN, ALL)
    assert list(found["rule"]) == ["sweep", *["extreme_imbalance"] * 4]
    assert list(found["phase"]) == ["enter", "enter", "exit", "enter", "enter"]
    assert len(alerts.feed(history, SPAN, ALL, limit=2)) == 2


def test_filters_are_combined(history: History, writer: str) -> None:
    write(writer)
    wanted = AlertFilter(rule="extreme_imbalance", severity="high", venue="kraken", symbol="BTC/USD")
    assert list(alerts.feed(history, SPAN, wanted)["time"]) == [START + timedelta(seconds=20)]
    assert alerts.feed(history, SPAN, AlertFilter(symbol="ETH/USD")).empty


def test_the_heat_map_counts_the_beginnings_of_each_hour(history: History, writer: str) -> None:
    write(writer)
    found = alerts.by_rule_and_hour(history, SPAN, ALL)
    rows = found[["rule", "alerts", "high"]].itertuples(index=False)
    assert [tuple(row) for row in rows] == [("extreme_imbalance", 2, 1), ("extreme_imbalance", 1, 0), ("sweep", 1, 1)]
    assert list(found["hour"]) == [START, START + timedelta(hours=1), START + timedelta(hours=2)]


def test_rules_are_those_of_the_span(history: History, writer: str) -> None:
    write(writer)
    assert alerts.rules(history, SPAN) == ["extreme_imbalance", "sweep"]
