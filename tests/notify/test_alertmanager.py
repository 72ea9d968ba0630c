"""Alertmanager's API: the payload, and a real Alertmanager where Debian's package is installed."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from notify.alertmanager import Alertmanager, payload
from notify.episodes import AlertFilter, Change, Episodes
from notify.receiver import BadReceiver, Unavailable
from tests.conftest import free_ports
from tests.notify.alertmanager import BINARY, running_alertmanager
from tests.notify.builders import NOON_MS, alert
from tests.notify.web import serving

NOW_MS = NOON_MS + 60_000
ENTER, ESCALATE = alert("enter"), alert("escalate", "high", NOON_MS + 1000)
EXIT = alert("exit", "high", NOON_MS + 2000)


def states(body: list[dict[str, Any]]) -> dict[str, str]:
    """Severity and end of each alert of a payload."""
    return {each["labels"]["severity"]: each["endsAt"] for each in body}


def test_an_alert_has_labels_of_rule_and_book_and_its_id_as_annotation() -> None:
    (posted,) = payload([Change(ENTER)], NOW_MS)
    labels = {"rule": "book_stale", "venue": "binance", "symbol": "BTCUSDT", "severity": "medium"}
    assert posted["labels"] == {"alertname": "book_stale", **labels}
    assert posted["annotations"] == {
        "summary": ENTER.message,
        "id": ENTER.id,
        "episode": "2026-01-01T12:00:00.000+00:00",
        "value": "2",
        "threshold": "1",
    }
    assert posted["startsAt"] == "2026-01-01T12:00:00.000+00:00"
    assert posted["endsAt"] == "2026-01-02T12:01:00.000+00:00"


def test_an_escalation_resolves_the_lower_severity_and_fires_the_higher() -> None:
    escalated = payload([Change(ESCALATE, ENTER)], NOW_MS)
    assert states(escalated) == {
        "medium": "2026-01-01T12:00:01.000+00:00",
        "high": "2026-01-02T12:01:00.000+00:00",
    }
    assert states(payload([Change(EXIT, ESCALATE)], NOW_MS)) == {"high": "2026-01-01T12:00:02.000+00:00"}


def test_an_exit_resolves_the_severity_that_was_sent() -> None:
    assert list(states(payload([Change(EXIT, ENTER)], NOW_MS))) == ["medium"]
    assert list(states(payload([Change(EXIT)], NOW_MS))) == ["high"]


def test_of_an_episode_within_one_group_its_end_is_posted() -> None:
    (posted,) = payload([Change(ENTER), Change(alert("exit", at_ms=NOON_MS + 5), ENTER)], NOW_MS)
    assert posted["endsAt"] == "2026-01-01T12:00:00.005+00:00"


def test_an_end_ahead_of_the_clock_is_an_end_now() -> None:
    (posted,) = payload([Change(alert("exit", at_ms=NOW_MS + 500, episode=NOW_MS + 400))], NOW_MS)
    assert posted["startsAt"] == posted["endsAt"] == "2026-01-01T12:01:00.000+00:00"


@pytest.mark.parametrize("url", ["localhost:9093", "ftp://host", "http://"])
def test_an_address_that_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(BadReceiver, match="NOTIFY_ALERTMANAGER_URL is no URL such as http://localhost:9093"):
        Alertmanager(url, lambda: NOW_MS)


def test_the_password_of_the_address_is_sent_and_not_shown() -> None:
    with serving() as web:
        receiver = Alertmanager(f"http://user:pass%40word@127.0.0.1:{web.port}/prefix/", lambda: NOW_MS)
        receiver.send([Change(ENTER)])
    assert receiver.name == f"alertmanager 127.0.0.1:{web.port}"
    ((path, headers, body),) = web.requests
    assert (path, headers["Authorization"]) == ("/prefix/api/v2/alerts", "Basic dXNlcjpwYXNzQHdvcmQ=")
    assert json.loads(body) == payload([Change(ENTER)], NOW_MS)


def test_a_receiver_that_is_away_or_fails_is_unavailable() -> None:
    (nobody,) = free_ports(1)
    with pytest.raises(Unavailable, match="Connection refused"):
        Alertmanager(f"http://127.0.0.1:{nobody}", lambda: NOW_MS).send([Change(ENTER)])
    with serving(status=503) as web, pytest.raises(Unavailable, match="status 503: busy"):
        Alertmanager(f"http://127.0.0.1:{web.port}", lambda: NOW_MS).send([Change(ENTER)])


def test_what_alertmanager_refuses_as_invalid_is_not_sent_again() -> None:
    with serving(status=400) as web:
        Alertmanager(f"http://127.0.0.1:{web.port}", lambda: NOW_MS).send([Change(ENTER)])
    assert len(web.requests) == 1


@pytest.mark.skipif(not BINARY, reason="needs Alertmanager: apt-get install prometheus-alertmanager")
def test_a_real_alertmanager_follows_an_episode_from_enter_to_exit(tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    first, second, third = (now_ms - age_ms for age_ms in (3000, 2000, 1000))
    life = [
        alert("enter", "medium", first, first),
        alert("escalate", "high", second, first),
        alert("exit", "high", third, first),
    ]
    episodes = Episodes(AlertFilter())
    with running_alertmanager(tmp_path) as manager:
        receiver = Alertmanager(manager.url, lambda: now_ms)
        firing = []
        for each in life:
            change = episodes.step(each)
            assert change is not None
            for _ in range(2):  # sent again after a failure: the same alert
                receiver.send([change])
            firing.append([found["labels"]["severity"] for found in manager.firing()])
    assert firing == [["medium"], ["high"], []]


@pytest.mark.skipif(not BINARY, reason="needs Alertmanager: apt-get install prometheus-alertmanager")
def test_open_episodes_sent_again_fire_in_an_alertmanager_that_has_forgotten_them(tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    enter = alert("enter", "high", now_ms - 3_600_000, now_ms - 3_600_000)
    with running_alertmanager(tmp_path) as manager:
        Alertmanager(manager.url, lambda: now_ms).send([Change(enter)])
        assert [found["annotations"]["id"] for found in manager.firing()] == [enter.id]
