"""Selection of alerts, and the episodes that go on. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from core.records import Alert
from core.topics import record_key

ENDED = "exit"


@dataclass(frozen=True)
class AlertFilter:
    """Alerts to send. An empty tuple admits everything; `books` are patterns of `venue:symbol`."""

    rules: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    books: tuple[str, ...] = ()

    def admits_source(self, alert: Alert) -> bool:
        """True if rule and book are selected."""
        book = record_key(alert.venue, alert.symbol)
        return (not self.rules or alert.rule in self.rules) and (
            not self.books or any(fnmatchcase(book, pattern) for pattern in self.books)
        )

    def admits_severity(self, alert: Alert) -> bool:
        """True if the severity is selected."""
        return not self.severities or alert.severity in self.severities


class Change(NamedTuple):
    """An alert to send. `before`: the alert of the same episode that was sent last, None if unknown."""

    alert: Alert
    before: Alert | None = None


class Episodes:
    """Follows the alerts of each rule and book, in the order of the topic.

    `active`: the last admitted alert of each open episode.
    """

    def __init__(self, selection: AlertFilter) -> None:
        self._selection = selection
        self._active: dict[tuple[str, str, str], Alert] = {}

    @property
    def active(self) -> Iterable[Alert]:
        return self._active.values()

    def step(self, alert: Alert) -> Change | None:
        """Follow one alert. Returns the change to send, None if the filter does not admit it.

        The end of an episode whose begin was admitted is admitted, whatever its severity.
        """
        if not self._selection.admits_source(alert):
            return None
        key = alert.rule, alert.venue, alert.symbol
        before = self._active.get(key)
        admitted = self._selection.admits_severity(alert)
        if alert.phase == ENDED:
            self._active.pop(key, None)
        elif admitted:
            self._active[key] = alert
        return Change(alert, before) if admitted or (alert.phase == ENDED and before is not None) else None
