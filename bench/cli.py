"""`depthflow bench`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.defaults import DEPTHS, PASSES, RATES, SYMBOLS

app = typer.Typer()

Frames = Annotated[Path, typer.Option(help="Folder of recorded frames; without it generated frames are used.")]
FRAMES = Path("../shared/frames")


@app.callback(no_args_is_help=True)
def bench(context: typer.Context) -> None:
    """Measure the domain code and the jobs.

    A benchmark that is stopped cancels its jobs on the cluster; the next one cancels those of a killed benchmark.
    """
    from bench.cleanup import signals_as_exceptions

    context.with_resource(signals_as_exceptions())


@app.command()
def options(
    frames: Frames = FRAMES,
    job: Annotated[bool, typer.Option("--job", help="Also measure the options job on the running cluster.")] = False,
) -> None:
    """Measure metrics, volatilities and surface of some 900 options, and our solver against vollib and QuantLib.

    Example: depthflow bench options
    """
    from bench.options import report

    report(frames, job)


@app.command()
def books(
    frames: Annotated[int, typer.Option(min=10_000, help="Number of raw records.")] = 600_000,
    symbols: Annotated[int, typer.Option(min=1, help="Number of order books.")] = 10,
    venue: Annotated[str, typer.Option(help="Exchange whose frames are generated.")] = "binance",
    levels: Annotated[int, typer.Option(min=2, max=100, help="Levels per frame, both sides together.")] = 20,
    mode: Annotated[Literal["thread", "process"], typer.Option(help="Python execution mode of the job.")] = "thread",
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Parallelism of the job.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, help="Number of runs of each, in turn.")] = 1,
) -> None:
    """Measure the books job on the running cluster against a bare consume-compute-produce loop on the same frames.

    Both make the same records. The last column is the processor time of all processes.

    Example: depthflow bench books --frames 300000 --repeats 3
    """
    from bench.books import Load, report

    load = Load(frames, symbols, venue, levels, repeats)
    report(load, [f"-Dpython.execution-mode={mode}", f"--parallelism={parallelism}"])


@app.command()
def peers(
    frames: Annotated[
        int, typer.Option(min=10_000, help="Number of raw records; slow peers process a tenth.")
    ] = 300_000,
    symbols: Annotated[int, typer.Option(min=1, help="Number of order books.")] = 10,
    levels: Annotated[int, typer.Option(min=2, max=100, help="Levels per frame, both sides together.")] = 20,
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Parallelism of the Flink jobs.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, help="Number of runs of each, in turn.")] = 3,
) -> None:
    """Measure the books job beside a bare loop, Java Flink, naive PyFlink and Quix Streams, over the same frames.

    Peers are installed into environments of their own; one that cannot be installed is named. The Java job is built by
    Maven.

    Example: depthflow bench peers --repeats 1
    """
    from bench.books import Load
    from bench.compare import report

    report(Load(frames, symbols, "binance", levels, repeats), parallelism)


@app.command()
def peer_books() -> None:
    """Measure our book beside those of cryptofeed and nautilus_trader: decode, apply, sum ten levels of each side.

    Example: depthflow bench peer-books
    """
    from bench.peer_books import report

    report()


@app.command()
def curves(
    frames: Annotated[int, typer.Option(min=10_000, help="Frames at each point.")] = 150_000,
    levels: Annotated[list[int], typer.Option(help="Levels of a side of a book.")] = DEPTHS,
    symbols: Annotated[list[int], typer.Option(help="Number of order books.")] = SYMBOLS,
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Parallelism of the job.")] = 1,
) -> None:
    """Measure the books job's cost against the depth of its books and their number, with its state.

    Example: depthflow bench curves --levels 50 --levels 5000 --symbols 1000
    """
    from bench.curves import report

    report(frames, levels, symbols, [f"--parallelism={parallelism}"])


@app.command("all")
def full_run(
    document: Annotated[Path, typer.Option("--report", help="Document whose marked part is written.")],
    frames: Frames = FRAMES,
    records: Annotated[int, typer.Option(min=10_000, help="Frames of each throughput run.")] = 600_000,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds of the pipelines, in turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Measured time at each rate of the latency run.")] = 10,
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Parallelism of the jobs.")] = 1,
) -> None:
    """Run every benchmark of books and forwarder, and write tables and plots into a document.

    Example: depthflow bench all --report docs/performance.md
    """
    from bench.full_run import report

    report(document, frames, records, repeats, seconds, parallelism)


@app.command()
def latency(
    rate: Annotated[list[int], typer.Option(min=10, help="Frames per second; one rate after the other.")] = RATES,
    seconds: Annotated[float, typer.Option(min=1, help="Measured time at each rate.")] = 10,
    symbols: Annotated[int, typer.Option(min=1, help="Number of order books at each rate.")] = 10,
    mode: Annotated[Literal["thread", "process"], typer.Option(help="Python execution mode of the job.")] = "thread",
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Parallelism of the job.")] = 1,
) -> None:
    """Measure the books job's latency by the broker's stamps: raw frame to processed record, and to its commit.

    Example: depthflow bench latency --rate 1000 --rate 10000
    """
    from bench.latency import report

    options = [f"-Dpython.execution-mode={mode}", f"--parallelism={parallelism}"]
    report(rate, seconds, symbols, options)


@app.command()
def analytics(
    records: Annotated[int, typer.Option(min=10_000, help="Number of processed records.")] = 12_000_000,
    symbols: Annotated[int, typer.Option(min=1, help="Number of generated books, each under ten symbols.")] = 10,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="Updates per second of each book.")] = 100,
    parallelism: Annotated[int, typer.Option("--parallelism", "-p", min=1, help="Parallelism of each job.")] = 1,
) -> None:
    """Measure the alerts and analytics jobs over ticks and windows, and the cache job, on the running cluster.

    Example: depthflow bench analytics --records 500000
    """
    from bench.analytics import report

    report(records, symbols, rate, [f"--parallelism={parallelism}"])


@app.command()
def alerts(
    seconds: Annotated[float, typer.Option(min=10, help="Time of each of the five cases.")] = 60,
    reader: Annotated[
        Literal["uncommitted", "committed", "both"], typer.Option(help="Isolation of the alerts job and of the reader.")
    ] = "both",
) -> None:
    """Measure how late alerts are: live path, planted conditions, quiet, silent and returning neighbours.

    Arrival at a Kafka reader less the moment at which a condition had held for the time of its rule. Needs the running
    stack with three free slots.

    Example: depthflow bench alerts --seconds 30 --reader uncommitted
    """
    from bench.alerts import report

    report(seconds, ["read_uncommitted", "read_committed"] if reader == "both" else [f"read_{reader}"])  # type: ignore[list-item]


@app.command()
def domain(
    frames: Frames = FRAMES,
    passes: Annotated[int, typer.Option(min=1, help="Timings of each row; the fastest counts.")] = PASSES,
) -> None:
    """Measure microseconds per frame in the domain code: decode, sequence check, apply, all metrics, encode.

    Example: depthflow bench domain
    """
    from bench.domain import report

    report(frames, passes)


@app.command()
def forward(
    frames: Annotated[int, typer.Option(min=10_000, help="Number of frames, sent at full speed.")] = 150_000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each at full speed, in turn.")] = 3,
) -> None:
    """Measure a forwarder from a local socket to the broker's acknowledgements, with both Kafka producers.

    The same for cryptofeed's raw path, which is installed into a virtual environment of its own.

    Example: depthflow bench forward
    """
    from bench.forward import report

    report(frames, repeats)


@app.command()
def ring(
    per_s: Annotated[int, typer.Option(min=1, help="Books per second through Kafka.")] = 1_000,
    seconds: Annotated[int, typer.Option(min=3, help="Time for which they are sent.")] = 15,
) -> None:
    """Measure shared memory: a write, a read from Python and from C, and the way of a book from Kafka into it.

    Needs the running stack. C needs a compiler.

    Example: depthflow bench ring
    """
    from bench.ring import report

    report(per_s, seconds)


@app.command()
def gateway(
    clients: Annotated[int, typer.Option(min=10, help="Number of sockets.")] = 1000,
) -> None:
    """Measure the gateway's sockets against a bare broadcast loop in the same run, and newest books over REST.

    It needs the database and Redis of a running stack, and starts a gateway of its own.

    Example: depthflow bench gateway --clients 1000
    """
    from bench.gateway import report

    report(clients)
