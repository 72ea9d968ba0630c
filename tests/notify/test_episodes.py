"""Selection of alerts by rule, severity and book, over whole episodes."""

import pytest

from core.records import Alert
from notify.episodes import AlertFilter, Change, Episodes
from tests.notify.builders import alert

LIFE = alert("enter"), alert("escalate", "high"), alert("exit", "high")


def sent(selection: AlertFilter, *alerts: Alert) -> list[Change | None]:
    episodes = Episodes(selection)
    return [episodes.step(each) for each in alerts]


def test_without_a_filter_every_phase_is_sent_with_the_alert_before() -> None:
    enter, escalate, ended = LIFE
    assert sent(AlertFilter(), *LIFE) == [Change(enter), Change(escalate, enter), Change(ended, escalate)]


def test_the_end_of_an_episode_that_was_sent_is_sent_whatever_its_severity() -> None:
    enter, escalate, ended = LIFE
    assert sent(AlertFilter(severities=("medium",)), *LIFE) == [Change(enter), None, Change(ended, enter)]
    assert sent(AlertFilter(severities=("high",)), *LIFE) == [None, Change(escalate), Change(ended, escalate)]


def test_an_episode_that_stayed_below_the_severity_is_not_sent() -> None:
    assert sent(AlertFilter(severities=("high",)), alert("enter"), alert("exit")) == [None, None]


@pytest.mark.parametrize(
    ("selection", "admitted"),
    [
        (AlertFilter(rules=("book_stale",)), True),
        (AlertFilter(rules=("spread_widening", "iv_spike")), False),
        (AlertFilter(books=("kraken:*", "binance:BTC*")), True),
        (AlertFilter(books=("binance:ETH*",)), False),
        (AlertFilter(books=("binance:btcusdt",)), False),
    ],
)
def test_rules_and_patterns_of_books_select(selection: AlertFilter, admitted: bool) -> None:
    assert (sent(selection, LIFE[0]) != [None]) == admitted


def test_open_episodes_end_with_their_exit() -> None:
    episodes = Episodes(AlertFilter())
    other = alert("enter", symbol="ETHUSDT")
    for each in (LIFE[0], other, LIFE[1]):
        episodes.step(each)
    assert list(episodes.active) == [LIFE[1], other]
    episodes.step(LIFE[2])
    assert list(episodes.active) == [other]
