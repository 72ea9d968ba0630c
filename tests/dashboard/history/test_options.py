"""History of an option chain, over rows that the test wrote."""

from datetime import timedelta

import pytest

from dashboard.history import options
from dashboard.history.database import History, Span
from tests.dashboard.rows import CHAIN, EXPIRY, START, expiry, insert, underlying

SPAN = Span(START, START + timedelta(hours=3))


def test_chains_and_expiries_are_those_with_records(history: History, writer: str) -> None:
    assert options.chains(history) == []
    insert(writer, "underlying_ticks", [underlying(0)])
    insert(writer, "option_chain_metrics", [expiry(0), expiry(7), expiry(4 * 3600)])
    assert options.chains(history) == [CHAIN] and options.expiries(history, CHAIN, SPAN) == [EXPIRY]
    assert options.expiries(history, CHAIN, Span(START - timedelta(hours=1), START)) == []


def test_an_expiry_has_the_last_values_of_each_minute(history: History, writer: str) -> None:
    rows = [
        expiry(0, forward=100.0, max_pain=90.0, pcr_open_interest=0.5, atm_iv=0.4),
        expiry(59, forward=100.0, max_pain=95.0, pcr_open_interest=0.6, atm_iv=0.5),
        expiry(60, forward=200.0, max_pain=None, pcr_open_interest=None, atm_iv=None),
    ]
    insert(writer, "option_chain_metrics", rows)
    found = options.of_expiry(history, CHAIN, EXPIRY, SPAN)
    assert list(found["time"]) == [START, START + timedelta(minutes=1)]
    first, second = (found.iloc[place] for place in (0, 1))
    values = (first["max_pain"], first["pcr_open_interest"], first["atm_iv"], first["max_pain_distance"])
    assert values == (95.0, 0.6, 0.5, pytest.approx(-0.05))
    assert second[["max_pain", "pcr_open_interest", "atm_iv"]].isna().all() and second["forward"] == 200.0


def test_long_spans_are_shown_by_hour(history: History, writer: str) -> None:
    insert(writer, "underlying_ticks", [underlying(60 * minute, index_price=100.0 + minute) for minute in range(90)])
    days = Span(START - timedelta(days=4), START + timedelta(days=1))
    assert list(options.of_underlying(history, CHAIN, days)["index_price"]) == [159.0, 189.0]
    assert len(options.of_underlying(history, CHAIN, SPAN)) == 90
