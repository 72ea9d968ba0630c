"""Receivers from the settings, and the test alert."""

import json

import pytest
from pydantic import ValidationError

from core.errors import UsageError
from core.settings import Settings
from market.alerts.rules import RuleError
from notify.cli import check_receivers, open_filter, open_receivers
from notify.settings import NotifySettings
from tests.conftest import free_ports
from tests.notify.web import serving


def settings(**given: object) -> NotifySettings:
    return NotifySettings(_env_file=None, **given)  # type: ignore[arg-type]


def test_a_command_without_receivers_names_the_settings() -> None:
    with pytest.raises(UsageError, match="no receiver is set: set NOTIFY_ALERTMANAGER_URL .*, or NOTIFY_URLS"):
        open_receivers(settings())


def test_every_address_is_a_receiver() -> None:
    given = settings(notify_alertmanager_url="http://a:9093", notify_urls="json://b/ json://user:secret@c/")
    assert [receiver.name for receiver in open_receivers(given)] == [
        "alertmanager a:9093",
        "json://b/",
        "json://user:****@c/",
    ]


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_RULES", "book_stale, iv_spike,")
    assert settings(notify_books="kraken:*").notify_rules == ("book_stale", "iv_spike")
    assert settings(notify_books="kraken:*").notify_books == ("kraken:*",)
    with pytest.raises(ValidationError, match="notify_metrics_addr"):
        settings(notify_metrics_addr="2120")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"notify_severities": "hgih"}, "notify_severities.0\n  Input should be 'high', 'medium' or 'info'"),
        (
            {"notify_books": "BTCUSDT"},
            r"BTCUSDT matches no book; expected patterns of venue:symbol, such as \*:BTCUSDT",
        ),
    ],
)
def test_a_filter_that_admits_nothing_is_refused(given: dict[str, str], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        settings(**given)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(RuleError, match="^unknown rule 'book_stael'; expected one of extreme_imbalance, "):
        open_filter(settings(notify_rules="book_stael"), Settings(_env_file=None))
    assert open_filter(settings(notify_rules="book_stale"), Settings(_env_file=None)).rules == ("book_stale",)


def test_the_test_alert_reaches_each_receiver_and_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    (nobody,) = free_ports(1)
    with serving() as web:
        given = settings(
            notify_alertmanager_url=f"http://127.0.0.1:{web.port}", notify_urls=f"json://127.0.0.1:{nobody}/"
        )
        assert check_receivers(open_receivers(given)) == 1
    taken, refused = capsys.readouterr().out.splitlines()
    assert taken == f"alertmanager 127.0.0.1:{web.port}: taken"
    assert refused.startswith(f"json://127.0.0.1:{nobody}/: A Connection error occurred")
    (alert,) = json.loads(web.requests[0].body)
    assert alert["labels"]["alertname"] == "test" and alert["startsAt"] == alert["endsAt"]
