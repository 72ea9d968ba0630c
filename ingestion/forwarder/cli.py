"""`depthflow forward`."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import structlog
import typer
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from core.kafka_client import python_client_options
from core.literal_console import literal_console
from core.logs import configure, silenced
from core.scrape_targets import scrape_target
from core.stop_signal import EXIT_INTERRUPTED
from core.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES, RESYNC
from ingestion.background import first_of, in_thread
from ingestion.forwarder.buffered_producer import BufferedProducer
from ingestion.forwarder.check import check as check_connections
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.metrics import LatencyMetrics
from ingestion.forwarder.monitoring import MonitoringServer
from ingestion.forwarder.plan import ForwardPlan, make_plan
from ingestion.forwarder.resync import ResyncReader
from ingestion.forwarder.settings import MEGABYTE, ForwardSettings, load
from ingestion.forwarder.spill import Spill
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import ensure_topics
from venues.registry import VENUES

app = typer.Typer()
console = literal_console(stderr=False)

WRITTEN = (RAW_BOOKS, RAW_TRADES, RAW_OPTIONS)
WEEK_MS = 7 * 24 * 3600 * 1000  # delivery timeout of a record: long enough for any broker outage

log = structlog.get_logger("forwarder")


@app.command()
def forward(
    venue: Annotated[str | None, typer.Option(help=f"One of {', '.join(VENUES)}.")] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", "--pair", help="Comma-separated, as the venue writes them.")
    ] = None,
    channels: Annotated[str | None, typer.Option(help="Channels of every symbol. [default: the venue's usual]")] = None,
    chains: Annotated[str | None, typer.Option(help="Currencies whose whole option chains are subscribed.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings, `name: value`.")] = None,
    testnet: Annotated[bool | None, typer.Option("--testnet", help="Connect to the venue's test network.")] = None,
    ws_url: Annotated[str | None, typer.Option(help="WebSocket base URL of a proxy or simulator.")] = None,
    rest_url: Annotated[str | None, typer.Option(help="REST base URL of a proxy or simulator.")] = None,
    bootstrap_servers: Annotated[str | None, typer.Option(help="Kafka brokers.")] = None,
    producer_pool_size: Annotated[
        int | None, typer.Option(help="Number of producers; a key always uses the same one.")
    ] = None,
    metrics_addr: Annotated[
        str | None, typer.Option(help="host:port of /health, /ready and /metrics; '' disables them.")
    ] = None,
    spill_dir: Annotated[Path | None, typer.Option(help="Folder of the disk buffer for broker outages.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Connect and subscribe, but forward nothing.")] = False,
) -> None:
    """Stream an exchange's market data into the raw topics until stopped.

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
    plan = make_plan(settings)
    configure("warning" if check else settings.log_level, "forwarder", settings.log_format)
    if check:
        for line in asyncio.run(check_connections(plan)):
            console.print(line, highlight=False, soft_wrap=True)
        return
    if asyncio.run(_run(plan)) == signal.SIGINT:
        raise typer.Exit(EXIT_INTERRUPTED)


async def _run(plan: ForwardPlan) -> signal.Signals | None:
    """Run the forwarder until it is stopped, also while it starts. Returns the signal that stopped it."""
    stop, received = asyncio.Event(), list[signal.Signals]()

    def on_signal(signum: signal.Signals) -> None:
        received.append(signum)
        stop.set()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, on_signal, signum)
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    connecting = asyncio.ensure_future(_connect(plan.settings, LatencyMetrics(plan.settings.venue, registry)))
    await first_of(stop.wait(), connecting)
    if not connecting.cancelled():
        await _forward(plan, connecting.result(), registry, stop)
    log.info("stopped", signal=received[0].name if received else None)
    return received[0] if received else None


async def _connect(settings: ForwardSettings, metrics: LatencyMetrics) -> list[BufferedProducer]:
    """Create the topics and connect to the broker, on threads: both block for seconds without a broker."""
    await in_thread("creation of the topics", lambda: create_topics(settings))
    return await in_thread(
        "connection to the broker",
        lambda: [buffered_producer(settings, metrics) for _ in range(settings.producer_pool_size)],
    )


async def _forward(
    plan: ForwardPlan, producers: list[BufferedProducer], registry: CollectorRegistry, stop: asyncio.Event
) -> None:
    settings = plan.settings
    forwarder = Forwarder(plan, producers, ResyncReader(python_client_options(settings), settings.topic_prefix))
    async with AsyncExitStack() as stack:
        monitoring = MonitoringServer(forwarder, registry)
        stack.push_async_callback(monitoring.stop)
        if settings.metrics_addr:
            await monitoring.start(settings.metrics_addr)
            address = f"{settings.metrics_addr.rpartition(':')[0] or '127.0.0.1'}:{monitoring.port}"
            stack.enter_context(scrape_target(settings.home, "forwarder", address, venue=settings.venue))
        await forwarder.run(stop)


def create_topics(settings: ForwardSettings) -> None:
    """Create missing topics that a forwarder writes or reads; log those whose settings differ."""
    topics = (*WRITTEN, RESYNC)
    servers, prefix = settings.kafka_bootstrap_servers, settings.topic_prefix
    with silenced("kafka"):
        report = ensure_topics(servers, settings.topic_partitions, topics, prefix, python_client_options(settings))
    for difference in report.differences:
        log.warning("topic differs", topic=difference.topic, difference=str(difference))


def buffered_producer(settings: ForwardSettings, metrics: LatencyMetrics) -> BufferedProducer:
    """One producer of the pool, with its share of the buffer limits. Raises DeliveryError or SpillError."""
    pool_size = settings.producer_pool_size
    config = ProducerConfig(
        settings.kafka_bootstrap_servers,
        settings.topic_prefix,
        python_client_options(settings),
        None if settings.compression == "none" else settings.compression,
        settings.linger_ms,
        settings.batch_bytes,
        delivery_timeout_ms=WEEK_MS,
    )
    spill = Spill(settings.spill_dir, int(settings.spill_mb * MEGABYTE / pool_size))
    queue, window = (int(size * MEGABYTE / pool_size) for size in (settings.queue_mb, settings.window_mb))
    client = RawProducer.connect(config)
    client.learn(topic.name for topic in WRITTEN)
    return BufferedProducer(client, spill, queue, window, metrics)
