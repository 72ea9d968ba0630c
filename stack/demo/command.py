"""`depthflow demo`: live tables of order books, an option chain and alerts, then three sample queries."""

import signal
from types import FrameType
from typing import Annotated

import typer

from core.settings import Settings
from stack.cli.commands import Home, stack_settings
from stack.demo.demo_display import show
from stack.demo.exchanges import exchanges
from stack.demo.sample_queries import export_addresses, program, sample_queries, shell_path
from stack.demo.submissions import submit
from stack.services import lifecycle, rest_gateway
from stack.services.postgres import psql_link
from stack.services.progress import Progress, output
from stack.services.settings import StackSettings
from stack.services.taskmanagers import prepare_submission

app = typer.Typer()


@app.command()
def demo(
    home: Home = None,
    seconds: Annotated[float, typer.Option(min=1, help="Shortest time for which the live tables are shown.")] = 30,
) -> None:
    """Start the stack and the jobs, simulate every exchange with a forwarder each, show books, options and alerts.

    Every few seconds a condition that raises an alert is planted in one of the simulated markets.

    Then run one query each of Flink, PostgreSQL and Redis. The demo ends by itself and leaves the stack and the jobs
    running; `depthflow down` stops them.

    Example: depthflow demo --seconds 60
    """
    signal.signal(signal.SIGTERM, _exit)
    stack, progress = stack_settings(home), Progress()
    try:
        lifecycle.up(stack, progress, serve=rest_gateway.installed())
        settings = Settings(depthflow_home=stack.home)  # after `up`, which records the addresses
        prepare_submission(settings)
        submit(settings, progress)
        with exchanges(stack.home) as running:
            show(settings, running, seconds, progress)
        _run_queries(settings, progress)
        output().print(_next_steps(stack, settings), highlight=False, soft_wrap=True)
    except (KeyboardInterrupt, SystemExit):
        progress.console.print(f"`{program()} down` stops what was started.")
        raise


def _exit(signum: int, frame: FrameType | None) -> None:
    """On SIGTERM, unwind as at Ctrl-C, so that simulators, forwarders and submissions end as well."""
    raise SystemExit(128 + signum)


def _run_queries(settings: Settings, progress: Progress) -> None:
    texts = [f"\n$ {export_addresses(settings)}"]
    for query in sample_queries(settings):
        with progress.step(f"querying {query.system}"):
            texts.append(f"$ {query.command}\n{query.result()}")
    output().print(*texts, sep="\n\n", markup=False, highlight=False, soft_wrap=True)


def _next_steps(stack: StackSettings, settings: Settings) -> str:
    rest = f"{stack.serve_url}/api/docs; account and password: GATEWAY_* in credentials.env"
    steps = {
        "Flink UI": settings.flink_rest_url,
        "topics": f"{program()} status; Kafka clients connect to {settings.kafka_bootstrap_servers}",
        "database": f'{shell_path(psql_link(settings.home))} "$POSTGRES_DSN"',
        "REST": rest if rest_gateway.installed() else "",
        "chain": f"{program()} chain BTC; with --from database, or --expiry and a day, or --plot chain.png",
        "stop": f"{program()} down",
    }
    lines = (f"  {name:<11}{step}\n" for name, step in steps.items() if step)
    return f"\nThe stack and its jobs keep running. Next steps:\n{''.join(lines)}"
