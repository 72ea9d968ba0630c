"""The demo's live display: books, option chains and alerts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live

from core.settings import Settings
from stack.demo.alert_table import AlertTable
from stack.demo.book_table import BookTable
from stack.demo.chain_table import ChainTable
from stack.demo.conditions import Conditions
from stack.demo.demo_consumer import poll_records
from stack.demo.exchanges import Exchanges
from stack.services import demo_process
from stack.services.errors import StackError
from stack.services.polling import poll_until
from stack.services.progress import Progress, output

FIRST_RECORD_S = 90
FIRST_ALERT_S = 90  # longest wait for the first alert; seconds on a machine that does nothing else
ALERTS_S = 5  # shortest time for which alerts are shown
SNAPSHOT_S = 5  # time between two printed tables where standard output is not a terminal


class DemoTables:
    """The three tables, fed from the topics."""

    def __init__(self, settings: Settings, exchanges: Exchanges) -> None:
        self.books, self.chains, self.alerts = BookTable(), ChainTable(), AlertTable()
        self._records = poll_records(settings)
        self._exchanges, self._home = exchanges, settings.home

    def close(self) -> None:
        """Close the consumer; at the end of the process it would wait for threads that have ended."""
        self._records.close()

    def poll(self) -> None:
        """Add the records of one poll.

        Raises StackError when a simulator or forwarder has ended, DemoEnded when the stack is about to stop.
        """
        demo_process.check(self._home)
        self._exchanges.check()
        records = next(self._records)
        now_us = time.time_ns() // 1000
        self.books.add(records.processed, now_us)
        self.chains.add(records.chains)
        self.alerts.add(records.alerts, now_us / 1000)

    def has_books(self) -> bool:
        """Poll once; True after the first record of a book."""
        self.poll()
        return self.books.total > 0

    def render(self) -> Group:
        """The tables, one below the other."""
        return Group(self.books.table(), self.chains.table(), self.alerts.table())


def wait_for_books(tables: DemoTables, progress: Progress) -> None:
    """Wait for the first metrics. Raises StackError when none arrive."""
    with progress.step("connecting a forwarder to each, waiting for the first metrics"):
        poll_until(
            tables.has_books,
            FIRST_RECORD_S,
            lambda: StackError(
                f"No metrics arrived within {FIRST_RECORD_S} s",
                "`depthflow status` shows the jobs, `depthflow logs jobmanager` why",
            ),
            pause_s=0,
        )


def show(tables: DemoTables, conditions: Conditions, seconds: float) -> None:
    """Show live tables for at least `seconds`, and until there are alerts."""
    begin, first_alert_s = time.monotonic(), float(FIRST_ALERT_S)
    console = output()
    tables.alerts.since_ms = time.time() * 1000
    with Live(console=console, auto_refresh=False) if console.is_terminal else _printed_tables() as display:
        while (elapsed_s := time.monotonic() - begin) < max(seconds, first_alert_s + ALERTS_S):
            tables.poll()
            tables.books.update_rates(elapsed_s)
            conditions.plant_if_due()
            first_alert_s = min(first_alert_s, elapsed_s) if tables.alerts.total else first_alert_s
            display.update(tables.render(), refresh=True)


class _PrintedTables:
    """Replaces the live display where there is no terminal: prints the tables every few seconds."""

    def __init__(self) -> None:
        self._next_print = 0.0
        self._newest = Group()

    def update(self, tables: Group, refresh: bool) -> None:
        self._newest = tables
        if time.monotonic() >= self._next_print:
            self.print()

    def print(self) -> None:
        """Print the newest tables."""
        output().print(self._newest)
        self._next_print = time.monotonic() + SNAPSHOT_S


@contextmanager
def _printed_tables() -> Iterator[_PrintedTables]:
    tables = _PrintedTables()
    yield tables
    tables.print()
