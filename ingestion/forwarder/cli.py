"""`depthflow forward`."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import structlog
import typer
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from rich.console import Console

from ingestion.forwarder.check import check as try_connections
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.logs import configure, hushed
from ingestion.forwarder.operations import Operations, Timings
from ingestion.forwarder.outlet import Outlet
from ingestion.forwarder.resync import ResyncReader
from ingestion.forwarder.settings import MEGABYTE, ForwardSettings, load
from ingestion.forwarder.spill import Spill
from ingestion.forwarder.streams import dialect_of, endpoint, named_streams
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import ensure_topics
from market.kafka import python_client
from market.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES, RESYNC

app = typer.Typer()
console = Console()

WEEK_MS = 7 * 24 * 3600 * 1000  # a record waits for a broker that is away as long as it takes

log = structlog.get_logger("forwarder")


@app.command()
def forward(
    venue: Annotated[str | None, typer.Option(help="binance, binance_usdm, kraken or deribit.")] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", "--pair", help="As the venue writes them, with commas between.")
    ] = None,
    channels: Annotated[str | None, typer.Option(help="Of every symbol; the venue's usual ones if not given.")] = None,
    chains: Annotated[str | None, typer.Option(help="Deribit: currencies whose options are all followed.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file: any setting, `name: value`.")] = None,
    testnet: Annotated[bool | None, typer.Option("--testnet", help="The venue's test network.")] = None,
    ws_url: Annotated[str | None, typer.Option(help="Another WebSocket base: proxy, simulator.")] = None,
    rest_url: Annotated[str | None, typer.Option(help="Another REST base.")] = None,
    bootstrap_servers: Annotated[str | None, typer.Option(help="Kafka.")] = None,
    producer_pool_size: Annotated[int | None, typer.Option(help="Producers; a key keeps to one.")] = None,
    metrics_addr: Annotated[str | None, typer.Option(help="host:port of /health /ready /metrics; '' for none.")] = None,
    spill_dir: Annotated[Path | None, typer.Option(help="Where frames wait for a broker that is away.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Try connections and subscriptions, forward nothing.")] = False,
) -> None:
    """Put everything that an exchange says of the symbols into the raw topics, until told to stop.

    Flags override the environment, which overrides `.env`, which overrides the YAML file. SIGTERM and Ctrl-C
    unsubscribe, drain and flush first.

    Example: depthflow forward --venue binance --symbols BTCUSDT,ETHUSDT
    """
    flags = {
        "venue": venue,
        "symbols": symbols,
        "channels": channels,
        "chains": chains,
        "testnet": testnet,
        "ws_url": ws_url,
        "rest_url": rest_url,
        "kafka_bootstrap_servers": bootstrap_servers,
        "producer_pool_size": producer_pool_size,
        "metrics_addr": metrics_addr,
        "spill_dir": spill_dir,
        "log_level": log_level,
    }
    settings = load(flags, config)
    dialect = dialect_of(settings)
    endpoint(dialect, settings)
    named_streams(dialect, settings)
    configure("warning" if check else settings.log_level)
    if check:
        for line in asyncio.run(try_connections(settings)):
            console.print(line, highlight=False, soft_wrap=True)
        return
    _prepare_topics(settings)
    if asyncio.run(_run(settings)) == signal.SIGINT:
        raise typer.Exit(130)


def _prepare_topics(settings: ForwardSettings) -> None:
    """Create what is missing of the topics that a forwarder writes and reads; say where others differ."""
    topics = (RAW_BOOKS, RAW_TRADES, RAW_OPTIONS, RESYNC)
    servers, prefix = settings.kafka_bootstrap_servers, settings.topic_prefix
    with hushed("kafka"):
        report = ensure_topics(servers, settings.topic_partitions, topics, prefix, python_client(settings))
    for difference in report.differences:
        log.warning("topic differs", topic=difference.topic, difference=str(difference))


async def _run(settings: ForwardSettings) -> signal.Signals | None:
    """The forwarder's life. Returns the signal that ended it."""
    stop, told = asyncio.Event(), list[signal.Signals]()

    def told_to_stop(signum: signal.Signals) -> None:
        told.append(signum)
        stop.set()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, told_to_stop, signum)
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    timings = Timings(settings.venue, registry)
    outlets = [outlet(settings, timings) for _ in range(settings.producer_pool_size)]
    forwarder = Forwarder(settings, outlets, ResyncReader(python_client(settings), settings.topic_prefix))
    async with AsyncExitStack() as stack:
        operations = Operations(forwarder, registry)
        stack.push_async_callback(operations.stop)
        if settings.metrics_addr:
            await operations.start(settings.metrics_addr)
        await forwarder.run(stop)
    log.info("stopped", signal=told[0].name if told else None)
    return told[0] if told else None


def outlet(settings: ForwardSettings, timings: Timings) -> Outlet:
    """One of the forwarder's outlets; together they share the bounds. Raises DeliveryError or SpillError."""
    share = settings.producer_pool_size
    config = ProducerConfig(
        settings.kafka_bootstrap_servers,
        settings.topic_prefix,
        python_client(settings),
        None if settings.compression == "none" else settings.compression,
        settings.linger_ms,
        settings.batch_bytes,
        delivery_ms=WEEK_MS,
    )
    spill = Spill(settings.spill_dir, int(settings.spill_mb * MEGABYTE / share))
    queue, window = (int(size * MEGABYTE / share) for size in (settings.queue_mb, settings.window_mb))
    return Outlet(RawProducer.connect(config), spill, queue, window, timings)
