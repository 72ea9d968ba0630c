"""Each HTTP status of a refused attempt: another attempt, or the end."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from ingestion.forwarder.close_reasons import fatal_error, retry_after_of, retry_after_s
from ingestion.forwarder.subscriptions import FatalRefusal

URL = "wss://ws.kraken.com/v2"
FATAL_AT_FIRST = (400, 401, 404, 405, 410, 451)
TRANSIENT = (403, 408, 418, 425, 429, *range(500, 512), *range(520, 531), 599)


def refusal(status: int, body: bytes = b"", **headers: str) -> InvalidStatus:
    return InvalidStatus(
        Response(status, "", Headers({name.replace("_", "-"): v for name, v in headers.items()}), body)
    )


@pytest.mark.parametrize("status", FATAL_AT_FIRST)
def test_a_wrong_address_is_fatal_at_the_first_attempt_only(status: int) -> None:
    fatal = fatal_error(URL, refusal(status))
    assert isinstance(fatal, FatalRefusal) and str(fatal) == f"{URL}: refused with HTTP status {status}"
    assert fatal_error(URL, refusal(status), connected_before=True) is None


@pytest.mark.parametrize("status", TRANSIENT)
def test_outages_proxies_and_rate_limits_are_transient(status: int) -> None:
    assert fatal_error(URL, refusal(status)) is None
    assert fatal_error(URL, refusal(status), connected_before=True) is None


@pytest.mark.parametrize(
    ("body", "is_fatal"),
    [
        (b"Service unavailable from a restricted location according to 'b. Eligibility'", True),
        (b"<html>configured to block access from your country.</html>", True),
        (b'{"error":"Unauthorized"}', True),
        (b"<html>Just a moment... checking your browser</html>", False),
        (b"Too many requests", False),
        (b"\xff\xfe", False),
        (b"", False),
    ],
)
def test_403_is_fatal_only_if_its_body_says_so(body: bytes, is_fatal: bool) -> None:
    assert (fatal_error(URL, refusal(403, body)) is not None) is is_fatal
    assert fatal_error(URL, refusal(403, body), connected_before=True) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), (" 7 ", 7), ("0", 0), ("²", 0), ("soon", 0), ("", 0), ("-3", 0)]
)
def test_retry_after_names_seconds(text: str, seconds: float) -> None:
    assert retry_after_s({"Retry-After": text}) == seconds


def test_retry_after_names_a_date() -> None:
    now = datetime.now(timezone.utc)
    assert 25 < retry_after_s({"Retry-After": format_datetime(now + timedelta(seconds=30), usegmt=True)}) <= 30
    assert retry_after_s({"Retry-After": format_datetime(now - timedelta(seconds=30), usegmt=True)}) == 0


def test_a_refused_handshake_names_when_to_try_again() -> None:
    assert retry_after_of(refusal(429, Retry_After="11")) == 11
    assert retry_after_of(OSError()) == 0
