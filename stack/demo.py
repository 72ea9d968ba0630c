"""`depthflow demo`: from nothing to live tables of order books, an option chain and alerts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import psycopg
import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table

from jobs.submit import Cluster
from market.settings import Settings
from stack import lifecycle
from stack.alert_board import AlertBoard
from stack.board import Board
from stack.chain_board import ChainBoard
from stack.commands import Home
from stack.errors import StackError
from stack.exchanges import Exchanges, exchanges
from stack.news import news
from stack.reach import reach
from stack.report import Reporter, output
from stack.settings import StackSettings

app = typer.Typer()

JOBS = ("books", "options", "analytics")
FIRST_RECORD_S = 90
STORED_S = 30
SNAPSHOT_S = 5  # between two tables where standard output is not a terminal
BOOKS = """
SELECT venue, symbol, count(*) AS seconds, max(ts)::time(0) AS newest, round(avg(spread_bps)::numeric, 2) AS spread_bps
FROM orderbook_metrics
WHERE ts >= to_timestamp(%s)
GROUP BY venue, symbol
ORDER BY venue, symbol
"""
CHAINS = """
SELECT venue, underlying, expiry::date, count(*) AS seconds, max(ts)::time(0) AS newest,
  round(avg(atm_iv)::numeric, 4) AS atm_iv
FROM option_chain_metrics
WHERE ts >= to_timestamp(%s)
GROUP BY venue, underlying, expiry
ORDER BY venue, underlying, expiry
"""


@app.command()
def demo(
    home: Home = None, seconds: Annotated[float, typer.Option(min=1, help="How long the live table runs.")] = 30
) -> None:
    """Start the stack, submit the jobs, simulate four exchanges with a forwarder on each; show books, options, alerts.

    Ends by itself and leaves the stack and the jobs running; `depthflow down` stops them.

    Example: depthflow demo --seconds 60
    """
    if home:
        os.environ["DEPTHFLOW_HOME"] = str(home.absolute())
    signal.signal(signal.SIGTERM, _leave)
    settings, report = StackSettings(), Reporter()
    lifecycle.up(settings, report)
    reach()
    started = time.time()
    for job in JOBS:
        _submit(job, report)
    with exchanges(settings.home) as venues:
        _show(settings, venues, seconds, report)
    for query in (BOOKS, CHAINS):
        with report.step("reading the database"):
            stored = _stored(query, started)
        output().print(stored)
    output().print(_where_next(settings))


def _leave(signum: int, frame: FrameType | None) -> None:
    """Ended from outside: simulators and forwarders go along, as at Ctrl-C."""
    raise SystemExit(128 + signum)


def _submit(job: str, report: Reporter) -> None:
    if Cluster.of(Settings()).running(job):
        report.console.print(f"  job {job} runs already")
        return
    with report.step(f"submitting the job {job}: depthflow submit {job}"):
        done = subprocess.run([*_depthflow(), "submit", job], capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"The job {job} was not accepted", "Flink said:", (done.stderr or done.stdout).strip())


def _show(settings: StackSettings, venues: Exchanges, seconds: float, report: Reporter) -> None:
    board, chains, alerts, records = Board(), ChainBoard(), AlertBoard(), news(settings.kafka_bootstrap)

    def take() -> None:
        venues.check()
        came = next(records)
        board.add(came.processed, time.time_ns() // 1000)
        chains.add(came.chains)
        alerts.add(came.alerts)

    with report.step("simulating four exchanges, a forwarder on each; waiting for the first metrics"):
        deadline = time.monotonic() + FIRST_RECORD_S
        while not board.total:
            take()
            if time.monotonic() > deadline:
                raise StackError(
                    "No metrics came", "`depthflow status` shows the jobs, `depthflow logs jobmanager` why"
                )
    end = time.monotonic() + seconds
    console = output()
    with Live(console=console, auto_refresh=False) if console.is_terminal else _snapshots() as shown:
        while (now := time.monotonic()) < end:
            take()
            board.tick(now)
            shown.update(Group(board.table(), chains.table(), alerts.table()), refresh=True)


class _Snapshots:
    """Stands in for a live display: prints a table now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def update(self, tables: Group, refresh: bool) -> None:
        if time.monotonic() >= self._next:
            output().print(tables)
            self._next = time.monotonic() + SNAPSHOT_S


@contextmanager
def _snapshots() -> Iterator[_Snapshots]:
    yield _Snapshots()


def _stored(query: str, since: float) -> Table:
    """What the analytics job wrote since then, read as anybody would."""
    shown = " ".join(line for line in query.splitlines() if line.startswith(("FROM", "GROUP")))
    table = Table(title=f"SELECT … {shown}", title_justify="left")
    with psycopg.connect(Settings().postgres_dsn.get_secret_value(), autocommit=True) as connection:
        deadline = time.monotonic() + STORED_S
        while not (found := connection.execute(query, [since])).rowcount and time.monotonic() < deadline:
            time.sleep(0.5)
        for column in found.description or ():
            table.add_column(column.name.replace("_", " "))
        for row in found.fetchall():
            table.add_row(*map(str, row))
    return table


def _where_next(settings: StackSettings) -> str:
    command = Path(sys.argv[0]).name
    return f"""
The stack and its jobs go on. Where to look next:
  Flink UI   {settings.flink_url}
  topics     {command} status; a Kafka client finds them at {settings.kafka_bootstrap}
  database   set -a; . {settings.home}/credentials.env; psql "$POSTGRES_DSN"
  chain      {command} chain BTC; with --from database, or --expiry and a day, or --plot chain.png
  stop       {command} down
"""


def _depthflow() -> list[str]:
    return [sys.executable, "-m", "stack"]
