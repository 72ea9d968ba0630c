"""`depthflow bench`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()

Frames = Annotated[Path, typer.Option(help="Folder of recorded frames; without it generated ones are measured.")]
FRAMES = Path("../shared/frames")


@app.callback(no_args_is_help=True)
def bench() -> None:
    """Measure the domain and the jobs."""


@app.command()
def options(
    frames: Frames = FRAMES,
    job: Annotated[bool, typer.Option("--job", help="Also through the options job on the running cluster.")] = False,
) -> None:
    """Option chains: metrics, volatilities and surface of some 900 options, and our solver beside vollib and QuantLib.

    Example: depthflow bench options
    """
    from bench.options import report

    report(frames, job)


@app.command()
def books(
    frames: Annotated[int, typer.Option(min=10_000, help="Raw records to work off.")] = 600_000,
    symbols: Annotated[int, typer.Option(min=1, help="Books they belong to.")] = 10,
    venue: Annotated[str, typer.Option(help="Whose frames.")] = "binance",
    levels: Annotated[int, typer.Option(min=2, max=100, help="Levels in a frame, both sides together.")] = 20,
    mode: Annotated[Literal["thread", "process"], typer.Option(help="Where the job's Python runs.")] = "thread",
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Slots of the job.")] = 1,
) -> None:
    """The books job, end to end on the running cluster, against a bare consume-compute-produce loop on the same topic.

    Example: depthflow bench books --frames 300000
    """
    from bench.books import Load, report

    report(Load(frames, symbols, venue, levels), [f"-Dpython.execution-mode={mode}", f"--parallelism={parallelism}"])


@app.command()
def analytics(
    records: Annotated[int, typer.Option(min=10_000, help="Processed records to work off.")] = 12_000_000,
    symbols: Annotated[int, typer.Option(min=1, help="Books that are generated; each is told under ten names.")] = 10,
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Slots of a job.")] = 1,
) -> None:
    """The analytics and cache jobs on the running cluster: windows, alerts, database, Redis.

    Example: depthflow bench analytics --records 500000
    """
    from bench.analytics import report

    report(records, symbols, [f"--parallelism={parallelism}"])


@app.command()
def domain(frames: Frames = FRAMES) -> None:
    """Microseconds a frame costs in the domain: decode, sequence, apply, all metrics, encode.

    Example: depthflow bench domain
    """
    from bench.domain import report

    report(frames)


@app.command()
def forward(frames: Annotated[int, typer.Option(min=10_000, help="To send as fast as they go.")] = 150_000) -> None:
    """A forwarder from a local socket to the broker's acknowledgements, also with confluent-kafka's producer in it.

    Beside it cryptofeed's raw path, which is installed for that into an environment of its own.

    Example: depthflow bench forward
    """
    from bench.forward import report

    report(frames)
