"""The demo's table of `orderbook.alerts`: the newest alerts."""

from bisect import insort
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timezone

from rich.table import Table

from core.records import Alert

SHOWN = 6
COLORS = {"high": "red", "medium": "yellow"}


class AlertTable:
    """The newest alerts, the number of all alerts, and how late they arrive. The caller passes the times.

    `since_ms`: alerts of earlier moments waited for their job to start, or for the demo to read; they do not count as
    late.
    """

    def __init__(self) -> None:
        self.total = 0
        self.since_ms = 0.0
        self._newest: deque[Alert] = deque(maxlen=SHOWN)
        self._late_ms: list[float] = []  # ascending

    def add(self, alerts: Iterable[Alert], now_ms: float) -> None:
        """Add new alerts, oldest first, that arrived at `now_ms` (epoch ms)."""
        for alert in alerts:
            self._newest.appendleft(alert)
            self.total += 1
            # The event time of an entry is the moment at which the condition had held.
            if alert.phase == "enter" and alert.event_time >= self.since_ms:
                insort(self._late_ms, now_ms - alert.event_time)

    @property
    def lateness(self) -> str:
        """Median and 99th percentile of the time from the moment of an alert to its arrival; empty without alerts."""
        if not self._late_ms:
            return ""
        last = len(self._late_ms) - 1
        median, most = (self._late_ms[min(int(share * (last + 1)), last)] for share in (0.5, 0.99))
        return f", {median:,.0f} ms after their moment (p50), {most:,.0f} ms (p99)"

    def table(self) -> Table:
        """The table, newest alert first; times are event times, UTC."""
        table = Table(title=f"orderbook.alerts: {self.total:,} alerts{self.lateness}", title_justify="left")
        for heading in ("time", "venue", "symbol", "rule", "phase", "severity", "message"):
            table.add_column(heading, no_wrap=True)
        for alert in self._newest:
            event_time = datetime.fromtimestamp(alert.event_time / 1000, timezone.utc)
            severity = f"[{COLORS.get(alert.severity, 'default')}]{alert.severity}[/]"
            book = f"{event_time:%H:%M:%S}", alert.venue, alert.symbol
            table.add_row(*book, alert.rule, alert.phase, severity, alert.message)
        return table
