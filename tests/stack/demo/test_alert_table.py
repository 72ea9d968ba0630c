"""The demo's table of alerts."""

from core.records import Alert
from stack.demo.alert_table import SHOWN, AlertTable


def alert(second: int) -> Alert:
    book = "kraken", "BTC/USD"
    values = "order_flow_burst", "high", "enter", 1_000 * second, 1_000 * second, 5.2, 4.0, f"burst {second}"
    return Alert("id", *book, *values)


def test_the_newest_alerts_come_first_and_all_are_counted() -> None:
    alerts = AlertTable()
    alerts.add((alert(second) for second in range(SHOWN + 4)), 1_000 * (SHOWN + 3) + 200)
    table = alerts.table()
    messages = list(table.columns[-1].cells)
    assert messages == [f"burst {second}" for second in range(SHOWN + 3, 3, -1)]
    assert table.title == f"orderbook.alerts: {SHOWN + 4} alerts, 5,200 ms after their moment (p50), 9,200 ms (p99)"
    assert next(iter(table.columns[0].cells)) == "00:00:09"


def test_alerts_from_before_the_demo_read_them_are_not_late() -> None:
    alerts = AlertTable()
    alerts.since_ms = 2_000
    alerts.add((alert(second) for second in range(3)), 2_300)
    assert alerts.table().title == "orderbook.alerts: 3 alerts, 300 ms after their moment (p50), 300 ms (p99)"
