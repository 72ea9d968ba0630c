"""Alerts to Alertmanager by its API v2.

Alertmanager identifies an alert by its labels, so an alert that is sent twice is one alert. The severity is a label:
when an episode escalates, the alert of the lower severity is resolved and that of the higher one fires. Alertmanager
resolves an alert without an end after its resolve_timeout of five minutes, and forgets alerts when it restarts. Hence a
firing alert has an end a day ahead, and open episodes are sent again every minute.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

import structlog

from core.records import Alert
from notify.episodes import ENDED, Change
from notify.receiver import BadReceiver, Unavailable

FIRING_MS = 24 * 3600 * 1000
TIMEOUT_S = 10.0
INVALID = 400  # some alerts were invalid; Alertmanager has taken all others

log = structlog.get_logger("notify")


def payload(changes: Sequence[Change], now_ms: int) -> list[dict[str, Any]]:
    """Body of `POST /api/v2/alerts`. Of several changes of one set of labels the last one is used."""
    posted = {}
    for change in changes:
        for alert in _alerts(change, now_ms):
            posted[tuple(alert["labels"].values())] = alert
    return list(posted.values())


def _alerts(change: Change, now_ms: int) -> Iterator[dict[str, Any]]:
    alert, before = change
    if alert.phase == ENDED:
        yield _alert(alert, (before or alert).severity, alert.episode, min(alert.event_time, now_ms))
        return
    if before is not None and before.severity != alert.severity:
        yield _alert(before, before.severity, before.episode, min(alert.event_time, now_ms))
    yield _alert(alert, alert.severity, alert.event_time, now_ms + FIRING_MS)


def _alert(alert: Alert, severity: str, starts_ms: int, ends_ms: int) -> dict[str, Any]:
    values = {"value": alert.value, "threshold": alert.threshold}
    return {
        "labels": {
            "alertname": alert.rule,
            "rule": alert.rule,
            "venue": alert.venue,
            "symbol": alert.symbol,
            "severity": severity,
        },
        "annotations": {"summary": alert.message, "id": alert.id, "episode": _time(alert.episode)}
        | {name: f"{value:g}" for name, value in values.items() if value is not None},
        "startsAt": _time(min(starts_ms, ends_ms)),
        "endsAt": _time(ends_ms),
    }


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds")


class Alertmanager:
    """One Alertmanager. User and password may be in the URL. Raises BadReceiver for an address that is no HTTP URL."""

    repeats = True

    def __init__(self, url: str, now_ms: Callable[[], int]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadReceiver("NOTIFY_ALERTMANAGER_URL is no URL such as http://localhost:9093")
        address = parts.netloc.rpartition("@")[2]
        self.name = f"alertmanager {address}"
        self._url = urlunsplit((parts.scheme, address, parts.path.rstrip("/") + "/api/v2/alerts", "", ""))
        self._headers = {"Content-Type": "application/json"}
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        self._now_ms = now_ms

    def send(self, changes: Sequence[Change]) -> None:
        """Post the changes. Raises Unavailable for any answer other than 200 and 400, and for none."""
        body = json.dumps(payload(changes, self._now_ms())).encode()
        request = Request(self._url, body, self._headers)
        try:
            with urlopen(request, timeout=TIMEOUT_S):
                pass
        except HTTPError as error:
            with error:
                text = error.read(1000).decode(errors="replace").strip()
            if error.code != INVALID:
                raise Unavailable(f"status {error.code}: {text or error.reason}") from None
            log.error("Alertmanager refused alerts as invalid", receiver=self.name, answer=text)
        except (URLError, OSError, HTTPException) as error:
            raise Unavailable(str(getattr(error, "reason", error)) or type(error).__name__) from None
