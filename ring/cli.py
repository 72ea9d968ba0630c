"""`depthflow ring`."""

import time
from contextlib import closing
from typing import Annotated

import structlog
import typer
from prometheus_client import CollectorRegistry

from core.kafka_client import python_client_options
from core.logs import configure
from core.metrics_server import metrics_server
from core.scrape_targets import scrape_target
from core.settings import Settings
from core.stop_signal import EXIT_INTERRUPTED, stop_signal
from ring.feed import RingConsumer, RingFeed
from ring.layout import Layout
from ring.metrics import RingMetrics
from ring.segment import path_of
from ring.writer import RingWriter

app = typer.Typer()
log = structlog.get_logger("ring")


@app.command()
def ring(
    name: Annotated[str, typer.Option(help="Name of the segment: /dev/shm/NAME.ring.")] = "depthflow",
    books: Annotated[
        str, typer.Option(show_default="all", help="Books to keep: patterns of venue:symbol, separated by commas.")
    ] = "",
    slots: Annotated[int, typer.Option(min=1, help="Largest number of books; one takes about 36 KiB.")] = 1024,
    metrics_addr: Annotated[
        str, typer.Option(help="host:port of /health, /ready and /metrics; '' disables them.")
    ] = "127.0.0.1:2131",
) -> None:
    """Keep newest books, trades, ticks and states in shared memory for programs on this machine, until Ctrl-C.

    Python reads them by `reader.ring()`, C by ring/depthflow_ring.h. Records are read before they are committed.

    Example: depthflow ring --books 'binance:*'
    """
    settings = Settings()
    configure(settings.log_level, "ring", settings.log_format)
    layout, path = Layout(slots=slots, levels=settings.depth_levels), path_of(name)
    with closing(RingWriter(path, layout)) as writer:
        feed = RingFeed(writer, [pattern for pattern in books.split(",") if pattern])
        with closing(reader_of(settings, feed)) as reader, stop_signal() as stopping:
            state, registry = RingMetrics(writer, feed, reader), CollectorRegistry()
            registry.register(state)
            served = metrics_server(metrics_addr, "--metrics-addr", registry, list, state.not_ready)
            with served as address, scrape_target(settings.home, "ring", address):
                log.info("writing", path=str(path), slots=slots, levels=layout.levels)
                reader.run(lambda: not stopping, writer.beat)
    if stopping.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def reader_of(settings: Settings, feed: RingFeed) -> RingConsumer:
    """The consumer of these settings. Raises RingError."""
    return RingConsumer(python_client_options(settings), feed, settings.topic_prefix, time.time_ns() // 1_000_000)
