"""`depthflow demo`: from nothing to live tables of order books, an option chain and alerts, and three answers."""

import os
import signal
from types import FrameType
from typing import Annotated

import typer

from stack import lifecycle
from stack.answers import addresses, as_typed, program, questions
from stack.commands import Home
from stack.exchanges import exchanges
from stack.live import show
from stack.postgres import client
from stack.reach import reach_for_submission
from stack.report import Reporter, output
from stack.settings import StackSettings
from stack.submissions import submit

app = typer.Typer()


@app.command()
def demo(
    home: Home = None, seconds: Annotated[float, typer.Option(min=1, help="How long the live table runs.")] = 30
) -> None:
    """Start the stack, submit the jobs, simulate four exchanges with a forwarder on each; show books, options, alerts.

    Then ask Flink, PostgreSQL and Redis what came of it. Ends by itself and leaves the stack and the jobs running;
    `depthflow down` stops them.

    Example: depthflow demo --seconds 60
    """
    if home:
        os.environ["DEPTHFLOW_HOME"] = str(home.absolute())
    signal.signal(signal.SIGTERM, _leave)
    settings, report = StackSettings(), Reporter()
    try:
        lifecycle.up(settings, report)
        reach_for_submission()
        submit(report)
        with exchanges(settings.home) as venues:
            show(settings, venues, seconds, report)
        _ask(settings, report)
        output().print(_where_next(settings), highlight=False, soft_wrap=True)
    except (KeyboardInterrupt, SystemExit):
        report.console.print(f"`{program()} down` stops what was started.")
        raise


def _leave(signum: int, frame: FrameType | None) -> None:
    """Ended from outside: simulators, forwarders and submissions go along, as at Ctrl-C."""
    raise SystemExit(128 + signum)


def _ask(settings: StackSettings, report: Reporter) -> None:
    said = [f"\n$ {addresses(settings)}"]
    for question in questions(settings):
        with report.step(f"asking {question.whom}"):
            said.append(f"$ {question.typed}\n{question.answer()}")
    output().print(*said, sep="\n\n", markup=False, highlight=False, soft_wrap=True)


def _where_next(settings: StackSettings) -> str:
    return f"""
The stack and its jobs go on. Where to look next:
  Flink UI   {settings.flink_url}
  topics     {program()} status; a Kafka client finds them at {settings.kafka_bootstrap}
  database   {as_typed(client(settings))} "$POSTGRES_DSN"
  chain      {program()} chain BTC; with --from database, or --expiry and a day, or --plot chain.png
  stop       {program()} down
"""
