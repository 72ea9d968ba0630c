"""Messages to services of apprise, over its plain JSON service."""

import json

import pytest

from notify.episodes import Change
from notify.receiver import BadReceiver, Unavailable
from notify.services import Service, message
from tests.conftest import free_ports
from tests.notify.builders import alert
from tests.notify.web import serving

ENTER, HIGH = alert("enter"), alert("escalate", "high")


def test_a_message_lists_alerts_with_their_ids_the_worst_first() -> None:
    title, body, kind = message([Change(alert("exit")), Change(ENTER), Change(HIGH)])
    assert title == "depthflow: 2 firing, 1 resolved"
    assert body.splitlines() == [
        "binance:BTCUSDT book_stale escalate [book_stale|binance|BTCUSDT|1767268800000|escalate]",
        "binance:BTCUSDT book_stale enter [book_stale|binance|BTCUSDT|1767268800000|enter]",
        "binance:BTCUSDT book_stale exit [book_stale|binance|BTCUSDT|1767268800000|exit]",
    ]
    assert kind == "failure"


@pytest.mark.parametrize(
    ("phase", "severity", "kind"),
    [
        ("enter", "high", "failure"),
        ("enter", "medium", "warning"),
        ("enter", "info", "info"),
        ("exit", "high", "success"),
    ],
)
def test_the_type_of_a_message_is_that_of_its_worst_alert(phase: str, severity: str, kind: str) -> None:
    assert message([Change(alert(phase, severity))])[2] == kind


def test_a_storm_is_one_message_that_counts_the_others_by_rule() -> None:
    storm = [alert("enter", rule="iv_spike" if n % 4 else "book_stale", symbol=f"S{n}") for n in range(1000)]
    title, body, _ = message([Change(each) for each in storm])
    assert title == "depthflow: 1000 firing"
    lines = body.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 990 more: 743 iv_spike, 247 book_stale"


def test_a_service_takes_the_message() -> None:
    with serving() as web:
        service = Service(f"json://user:secret@127.0.0.1:{web.port}/hook")
        service.send([Change(HIGH)])
    posted = json.loads(web.requests[0].body)
    assert (posted["title"], posted["type"]) == ("depthflow: 1 firing", "failure")
    assert HIGH.id in posted["message"]
    assert "secret" not in service.name and service.name.startswith("json://user:")


def test_a_service_that_is_away_is_unavailable_with_the_cause() -> None:
    (nobody,) = free_ports(1)
    with pytest.raises(Unavailable, match="A Connection error occurred sending JSON"):
        Service(f"json://127.0.0.1:{nobody}/hook").send([Change(HIGH)])


def test_an_unknown_address_is_refused_without_its_secrets() -> None:
    with pytest.raises(BadReceiver, match=r"NOTIFY_URLS has an address that apprise does not know: nonsense://…$"):
        Service("nonsense://token")
