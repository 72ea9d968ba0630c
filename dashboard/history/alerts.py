"""Alerts: newest first, and counted by rule and hour."""

from dataclasses import asdict, dataclass

import pandas as pd

from dashboard.history.database import History, Span

MAX_ALERTS = 5000

_FILTERED = (
    "FROM orderbook_alerts WHERE ts >= %(start)s AND ts < %(end)s "
    "AND (%(rule)s::text IS NULL OR rule = %(rule)s) AND (%(severity)s::text IS NULL OR severity = %(severity)s) "
    "AND (%(venue)s::text IS NULL OR venue = %(venue)s) AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s)"
)
FEED = (
    "SELECT ts AS time, severity, phase, venue, symbol, rule, value, threshold, message, episode, id "
    f"{_FILTERED} ORDER BY ts DESC, id DESC LIMIT %(limit)s"
)
BY_HOUR = (
    "SELECT rule, date_trunc('hour', ts) AS hour, count(*) AS alerts, "
    f"count(*) FILTER (WHERE severity = 'high') AS high {_FILTERED} AND phase = 'enter' GROUP BY 1, 2 ORDER BY 1, 2"
)
RULES = "SELECT DISTINCT rule FROM orderbook_alerts WHERE ts >= %(start)s AND ts < %(end)s ORDER BY rule"


@dataclass(frozen=True)
class AlertFilter:
    """Alerts to show; None stands for all."""

    rule: str | None = None
    severity: str | None = None
    venue: str | None = None
    symbol: str | None = None


def rules(history: History, span: Span) -> list[str]:
    """Rules with an alert in the span, by name."""
    return list(history.frame(RULES, {"start": span.start, "end": span.end})["rule"])


def feed(history: History, span: Span, wanted: AlertFilter, limit: int = MAX_ALERTS) -> pd.DataFrame:
    """Alerts of the span in all phases, newest first, at most `limit`."""
    return history.frame(FEED, _of(span, wanted) | {"limit": limit})


def by_rule_and_hour(history: History, span: Span, wanted: AlertFilter) -> pd.DataFrame:
    """Episodes that began, by rule and hour (UTC), with those of severity high; hours without any have no row."""
    return history.frame(BY_HOUR, _of(span, wanted))


def _of(span: Span, wanted: AlertFilter) -> dict[str, object]:
    return {"start": span.start, "end": span.end} | asdict(wanted)
