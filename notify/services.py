"""Alerts to chat, mail and paging services by apprise: one message for each group of alerts."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.errors import UserError
from notify.episodes import ENDED, Change
from notify.receiver import BadReceiver, Unavailable

LINES = 10  # longest list of alerts in a message; the others are counted by rule
SEVERITIES = ("high", "medium", "info")
TYPES = {"high": "failure", "medium": "warning", "info": "info"}


class MissingPackage(UserError):
    """apprise is not installed."""


def message(changes: Sequence[Change]) -> tuple[str, str, str]:
    """Title, body and apprise's type of the message for a group of changes, of which there is at least one.

    The worst alerts come first. Each line ends with the alert's id, by which receivers drop repeated alerts.
    """
    alerts = sorted((change.alert for change in changes), key=lambda each: (each.phase == ENDED, _rank(each.severity)))
    shown, others = alerts[:LINES], alerts[LINES:]
    lines = [f"{alert.message} [{alert.id}]" for alert in shown]
    if others:
        rules = ", ".join(f"{count} {rule}" for rule, count in Counter(alert.rule for alert in others).most_common())
        lines.append(f"and {len(others)} more: {rules}")
    ended = sum(alert.phase == ENDED for alert in alerts)
    counts = [f"{count} {word}" for count, word in ((len(alerts) - ended, "firing"), (ended, "resolved")) if count]
    kind = "success" if ended == len(alerts) else TYPES.get(alerts[0].severity, "info")
    return f"depthflow: {', '.join(counts)}", "\n".join(lines), kind


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


class Service:
    """One service of apprise by its URL. Raises BadReceiver for a URL that apprise does not know."""

    repeats = False

    def __init__(self, url: str) -> None:
        apprise = _apprise()
        self._service = apprise.Apprise(asset=apprise.AppriseAsset(storage_mode="memory", app_id="depthflow"))
        if not self._service.add(url):
            raise BadReceiver(f"NOTIFY_URLS has an address that apprise does not know: {url.partition('://')[0]}://…")
        self.name = str(self._service[0].url(privacy=True)).partition("?")[0]

    def send(self, changes: Sequence[Change]) -> None:
        """Send one message. Raises Unavailable with the cause that apprise has logged."""
        title, body, kind = message(changes)
        with _Causes() as causes:
            if not self._service.notify(body=body, title=title, notify_type=kind):
                raise Unavailable("; ".join(causes.texts) or "not taken")


class _Causes(logging.Handler):
    """Collects apprise's warnings for the time of a block."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())

    def __enter__(self) -> "_Causes":
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)


def _apprise() -> Any:
    try:
        import apprise
    except ModuleNotFoundError:
        raise MissingPackage("NOTIFY_URLS needs apprise: pip install 'depthflow[notify]'") from None
    logging.getLogger("apprise").propagate = False  # it logs addresses, which may have passwords
    return apprise
