"""What the demo shows while it runs: books, option chains and alerts, as they come."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live

from stack.alert_board import AlertBoard
from stack.board import Board
from stack.chain_board import ChainBoard
from stack.errors import StackError
from stack.exchanges import Exchanges
from stack.news import news
from stack.patience import awaited
from stack.report import Reporter, output
from stack.settings import StackSettings

FIRST_RECORD_S = 90
FIRST_ALERT_S = 90  # event time begins to pass once partitions without a book are known to be idle
ALERTS_S = 5  # that they are shown at least
SNAPSHOT_S = 5  # between two tables where standard output is not a terminal


def show(settings: StackSettings, venues: Exchanges, seconds: float, report: Reporter) -> None:
    """Wait for the first metrics, then show what comes for so long, and until there are alerts.

    Raises StackError when no metrics come.
    """
    board, chains, alerts, records = Board(), ChainBoard(), AlertBoard(), news(settings.kafka_bootstrap)

    def take() -> None:
        venues.check()
        came = next(records)
        board.add(came.processed, time.time_ns() // 1000)
        chains.add(came.chains)
        alerts.add(came.alerts)

    def first() -> int:
        take()
        return board.total

    with report.step("simulating four exchanges, a forwarder on each; waiting for the first metrics"):
        awaited(
            first,
            FIRST_RECORD_S,
            lambda: StackError("No metrics came", "`depthflow status` shows the jobs, `depthflow logs jobmanager` why"),
            pause_s=0,
        )
    begin, first_alert_s = time.monotonic(), float(FIRST_ALERT_S)
    console = output()
    with Live(console=console, auto_refresh=False) if console.is_terminal else _snapshots() as shown:
        while (shown_s := time.monotonic() - begin) < max(seconds, first_alert_s + ALERTS_S):
            take()
            board.tick(shown_s)
            first_alert_s = min(first_alert_s, shown_s) if alerts.total else first_alert_s
            shown.update(Group(board.table(), chains.table(), alerts.table()), refresh=True)


class _Snapshots:
    """Stands in for a live display: prints tables now and then."""

    def __init__(self) -> None:
        self._next = 0.0
        self._newest = Group()

    def update(self, tables: Group, refresh: bool) -> None:
        self._newest = tables
        if time.monotonic() >= self._next:
            self.print()

    def print(self) -> None:
        """The newest tables."""
        output().print(self._newest)
        self._next = time.monotonic() + SNAPSHOT_S


@contextmanager
def _snapshots() -> Iterator[_Snapshots]:
    shown = _Snapshots()
    yield shown
    shown.print()
