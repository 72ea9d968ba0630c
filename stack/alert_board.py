"""The last alerts: what the demo shows of `orderbook.alerts`."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timezone

from rich.table import Table

from market.records import Alert

SHOWN = 6
COLORS = {"high": "red", "medium": "yellow"}


class AlertBoard:
    """The newest alerts, and how many there were."""

    def __init__(self) -> None:
        self.total = 0
        self._newest: deque[Alert] = deque(maxlen=SHOWN)

    def add(self, alerts: Iterable[Alert]) -> None:
        """Take in what came."""
        for alert in alerts:
            self._newest.appendleft(alert)
            self.total += 1

    def table(self) -> Table:
        """The lines, newest first; times are event times, UTC."""
        table = Table(title=f"orderbook.alerts: {self.total:,} alerts", title_justify="left")
        for head in ("time", "venue", "symbol", "rule", "phase", "severity", "message"):
            table.add_column(head, no_wrap=True)
        for alert in self._newest:
            at = datetime.fromtimestamp(alert.event_time / 1000, timezone.utc)
            severity = f"[{COLORS.get(alert.severity, 'default')}]{alert.severity}[/]"
            place = f"{at:%H:%M:%S}", alert.venue, alert.symbol
            table.add_row(*place, alert.rule, alert.phase, severity, alert.message)
        return table
