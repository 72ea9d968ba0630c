"""`depthflow demo`: live tables of order books, an option chain and alerts, sample queries, and the live page."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Annotated

import typer

from core.settings import Settings
from stack.cli.commands import Home, stack_settings
from stack.demo.conditions import Conditions
from stack.demo.demo_display import DemoTables, show, wait_for_books
from stack.demo.exchanges import Exchanges, exchanges
from stack.demo.next_steps import next_steps, page_link
from stack.demo.sample_queries import export_addresses, program, sample_queries
from stack.demo.staying import stay
from stack.demo.submissions import FIRST, LATER, require_slots, submit
from stack.services import demo_process, lifecycle, rest_gateway
from stack.services.demo_process import DemoEnded
from stack.services.progress import Progress, output
from stack.services.settings import StackSettings
from stack.services.taskmanagers import prepare_submission

MOVING = "\nThe books move. This link shows them; it logs in once, within five minutes:\n\n  {}\n"

app = typer.Typer()


@app.command()
def demo(
    home: Home = None,
    seconds: Annotated[float, typer.Option(min=1, help="Shortest time for which the live tables are shown.")] = 30,
    ends: Annotated[
        bool, typer.Option("--exit", help="End after the queries. So it does where standard output is no terminal.")
    ] = False,
) -> None:
    """Start the stack and the jobs, simulate every exchange with a forwarder each, show books, options and alerts.

    Every few seconds a condition that raises an alert is planted in one of the simulated markets.

    Then run one query each of Flink, PostgreSQL and Redis. The simulated exchanges go on, so that the page of live
    books moves, until Ctrl-C or `depthflow down`. Ctrl-C leaves the stack and the jobs running; `depthflow down` stops
    them.

    Example: depthflow demo --seconds 60
    """
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _exit)
    stack, progress = stack_settings(home), Progress()
    try:
        demo_process.require_none(stack.home)
        lifecycle.up(stack, progress, serve=rest_gateway.installed(), wait_served=False)
        settings = Settings(depthflow_home=stack.home)  # after `up`, which records the addresses
        prepare_submission(settings)
        require_slots(settings)
        submit(settings, FIRST, progress)
        run = _tour if ends or not output().is_terminal else _tour_and_stay
        run(stack, settings, seconds, progress)
    except DemoEnded:
        progress.console.print("The stack is stopping, and the demo has ended.")
    except (KeyboardInterrupt, SystemExit):
        progress.console.print(f"`{program()} down` stops what was started.")
        raise


def _exit(signum: int, frame: FrameType | None) -> None:
    """On SIGTERM, and when the terminal is closed, unwind as at Ctrl-C: simulators, forwarders, submissions end."""
    raise SystemExit(128 + signum)


@contextmanager
def _simulated(stack: StackSettings, settings: Settings, progress: Progress) -> Iterator[tuple[Exchanges, DemoTables]]:
    """The simulated exchanges and the tables of their books, as the one demo of the stack."""
    with (
        demo_process.registered(stack.home),
        exchanges(stack.home, progress) as running,
        closing(DemoTables(settings, running)) as tables,
    ):
        yield running, tables


def _tour(stack: StackSettings, settings: Settings, seconds: float, progress: Progress) -> None:
    """Live tables, then the queries after the simulated exchanges have ended."""
    with _simulated(stack, settings, progress) as (running, tables):
        wait_for_books(tables, progress)
        submit(settings, LATER, progress)
        show(tables, Conditions(running), seconds)
    if rest_gateway.installed():
        lifecycle.serve_all(stack, progress)
    _run_queries(settings, progress)
    _print(next_steps(stack, settings))


def _tour_and_stay(stack: StackSettings, settings: Settings, seconds: float, progress: Progress) -> None:
    """A link to the page as soon as a book moves, live tables and queries; then the exchanges go on without an end."""
    served = rest_gateway.installed()
    with _simulated(stack, settings, progress) as (running, tables):
        wait_for_books(tables, progress)
        conditions = Conditions(running)
        if served:
            lifecycle.wait_for_gateway(stack, progress)
            _print(MOVING.format(page_link(settings)))
        submit(settings, LATER, progress)
        if served:
            lifecycle.serve_all(stack, progress)
        show(tables, conditions, seconds)
        tables.close()
        _run_queries(settings, progress)
        _print(next_steps(stack, settings, page_link(settings) if served else ""))
        _print("The simulated exchanges go on until Ctrl-C.")
        stay(stack.home, running, conditions)


def _run_queries(settings: Settings, progress: Progress) -> None:
    texts = [f"\n$ {export_addresses(settings)}"]
    for query in sample_queries(settings):
        with progress.step(f"querying {query.system}"):
            texts.append(f"$ {query.command}\n{query.result()}")
    output().print(*texts, sep="\n\n", markup=False, highlight=False, soft_wrap=True)


def _print(text: str) -> None:
    output().print(text, markup=False, highlight=False, soft_wrap=True)
