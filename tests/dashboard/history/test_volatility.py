"""Realised and expected volatility, over rows that the test wrote."""

import math
from datetime import timedelta

import pytest

from dashboard.history import volatility
from dashboard.history.database import History, Span
from tests.dashboard.rows import BOOK, CHAIN, START, expiry, insert, metrics

SPAN = Span(START, START + timedelta(hours=3))
YEAR = 365 * 24 * 60


@pytest.mark.parametrize(("hours", "step"), [(6, "15 minutes"), (7, "1 hour"), (336, "1 hour"), (337, "1 day")])
def test_the_span_chooses_the_step(hours: int, step: str) -> None:
    assert volatility.volatility_step(Span(START, START + timedelta(hours=hours))) == step


def test_volatility_is_of_the_returns_of_minutes_that_follow_each_other(history: History, writer: str) -> None:
    """Minutes alternate by 10 bps. Between minutes 9 and 20 there is no record, and the price doubles there."""
    minutes = [*range(10), *range(20, 30)]
    mids = [(1.0 if minute < 10 else 2.0) * 100 * math.exp(0.001 * (minute % 2)) for minute in minutes]
    insert(writer, "orderbook_metrics", metrics([60 * each for each in minutes], [0.0] * 20, mids))
    found = volatility.realised(history, BOOK, SPAN, "15 minutes")
    assert list(found["minutes"]) == [10, 10] and list(found["time"]) == [START, START + timedelta(minutes=15)]
    assert list(found["realised"]) == pytest.approx([0.001 * math.sqrt(YEAR)] * 2)
    assert list(found["range_based"]) == [0.0, 0.0]  # one mid a minute: no range


def test_the_range_of_a_minute_gives_parkinsons_estimate(history: History, writer: str) -> None:
    insert(writer, "orderbook_metrics", metrics([0, 20, 40], [0.0] * 3, [100.0, 101.0, 100.0]))
    (found,) = volatility.realised(history, BOOK, SPAN, "1 hour")["range_based"]
    assert found == pytest.approx(math.log(1.01) * math.sqrt(YEAR / (4 * math.log(2))))


def test_the_expected_volatility_lies_between_the_expiries_around_30_days(history: History, writer: str) -> None:
    near, far = 20 / 365, 40 / 365
    rows = [expiry(0, years=near, atm_iv=0.5), expiry(0, years=far, atm_iv=0.5)]
    rows[1]["expiry"] += timedelta(days=20)
    insert(writer, "option_chain_metrics", rows)
    found = volatility.expected(history, CHAIN, SPAN)
    assert list(found["time"]) == [START] and list(found["iv"]) == pytest.approx([0.5])
