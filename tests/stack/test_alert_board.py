from market.records import Alert
from stack.alert_board import SHOWN, AlertBoard


def alert(second: int) -> Alert:
    place = "kraken", "BTC/USD"
    said = "order_flow_burst", "high", "enter", 1_000 * second, 1_000 * second, 5.2, 4.0, f"burst {second}"
    return Alert("id", *place, *said)


def test_the_newest_alerts_stand_first_and_all_are_counted() -> None:
    board = AlertBoard()
    board.add(alert(second) for second in range(SHOWN + 4))
    table = board.table()
    messages = list(table.columns[-1].cells)
    assert messages == [f"burst {second}" for second in range(SHOWN + 3, 3, -1)]
    assert table.title == f"orderbook.alerts: {SHOWN + 4} alerts"
    assert next(iter(table.columns[0].cells)) == "00:00:09"
