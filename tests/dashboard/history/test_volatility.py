"""Realised and expected volatility, over rows that the test wrote."""

import math
from datetime import timedelta

import pandas as pd
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


@pytest.mark.parametrize(("step", "count"), [("15 minutes", 8), ("1 hour", 8), ("1 day", 8)])
def test_no_line_is_interrupted_by_the_times_of_the_other(step: str, count: int) -> None:
    realised = pd.DataFrame({"time": pd.date_range(START, periods=count, freq=pd.Timedelta(step)), "realised": 0.4})
    hours = pd.date_range(START, realised["time"].iloc[-1], freq="h")
    found = volatility.beside(realised, pd.DataFrame({"time": hours, "iv": 0.5}), step)
    assert list(found["time"]) == list(realised["time"])
    assert not found[["realised", "expected_30d"]].isna().any(axis=None)


def test_a_chain_without_an_hour_near_a_step_expects_nothing_there() -> None:
    realised = pd.DataFrame({"time": [START, START + timedelta(hours=2)], "realised": [0.4, 0.4]})
    found = volatility.beside(realised, pd.DataFrame({"time": [START], "iv": [0.5]}), "1 hour")
    assert found["expected_30d"].isna().to_list() == [False, True]


def test_a_chain_without_any_hour_expects_nothing(history: History, writer: str) -> None:
    insert(writer, "orderbook_metrics", metrics([0, 60, 120], [0.0] * 3, [100.0, 101.0, 100.0]))
    found = volatility.realised(history, BOOK, SPAN, "1 hour")
    beside = volatility.beside(found, volatility.expected(history, CHAIN, SPAN), "1 hour")
    assert beside["expected_30d"].isna().all() and len(beside) == 1
