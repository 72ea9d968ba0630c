"""/health, /ready and /metrics of a forwarder over HTTP."""

from collections.abc import Iterable, Iterator
from os import strerror
from time import time_ns

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from ingestion.forwarder.clock import now_us
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.ledger import topic_of
from market.errors import UserError
from market.topics import RAW_BOOKS, RAW_TRADES

LATENCY_US = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000, 60_000_000)
BATCHES = (1, 2, 5, 10, 25, 50, 100, 250, 500)


class AddressError(UserError):
    """The metrics address cannot be listened on."""


class Timings:
    """What outlets observe, on their own threads."""

    def __init__(self, venue: str, registry: CollectorRegistry) -> None:
        def histogram(name: str, text: str, buckets: tuple[int, ...]) -> Histogram:
            return Histogram(name, text, ["venue"], buckets=buckets, registry=registry).labels(venue)

        self._latency = histogram(
            "processing_latency_microseconds",
            "From the receipt of a batch's oldest frame until the producer had it",
            LATENCY_US,
        )
        self._acknowledged = histogram(
            "producer_ack_latency_microseconds",
            "From the receipt of a frame until the broker acknowledged it, one frame in 64",
            LATENCY_US,
        )
        self._batch = histogram("producer_handover_records", "Frames handed to the producer at a time", BATCHES)

    def handed_over(self, records: int, oldest_recv_us: int) -> None:
        """A batch went to the producer."""
        self._batch.observe(records)
        self._latency.observe(now_us() - oldest_recv_us)

    def acknowledged(self, recv_us: int) -> None:
        """The broker has a frame."""
        self._acknowledged.observe(now_us() - recv_us)


class LedgerCollector:
    """The forwarder's own counters, read when Prometheus asks."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield from self._connections()
        yield from self._symbols()
        yield from self._producers()

    def _connections(self) -> Iterator[Metric]:
        ledger = self._forwarder.ledger
        links = [([ledger.venue, name], record) for name, record in ledger.links.items()]
        labels = ["venue", "connection"]
        connected = ((each, float(record.connected)) for each, record in links)
        lost = ((each, record.disconnects) for each, record in links)
        yield _gauge("websocket_connected", "1 while the connection stands", labels, connected)
        yield _counter("websocket_disconnects", "Connections lost", labels, lost)

    def _symbols(self) -> Iterator[Metric]:
        ledger, venue = self._forwarder.ledger, self._forwarder.ledger.venue
        labels = ["venue", "symbol"]

        none_yet = dict.fromkeys((stream.symbol for stream in ledger.streams), 0)

        def rows(counts: dict[str, int]) -> Iterator[tuple[list[str], float]]:
            return (([venue, symbol], count) for symbol, count in sorted((none_yet | counts).items()))

        frames = (([venue, s.symbol, s.channel], record.frames) for s, record in sorted(ledger.streams.items()))
        ages = (
            ([venue, s.symbol, s.channel], time_ns() / 1e9 - record.last_us / 1e6)
            for s, record in sorted(ledger.streams.items())
            if record.last_us and topic_of(venue, s) == RAW_BOOKS.name
        )
        books, trades = ledger.frames_by_topic(RAW_BOOKS.name), ledger.frames_by_topic(RAW_TRADES.name)
        yield _counter("messages_processed", "Frames forwarded", [*labels, "channel"], frames)
        yield _counter("messages_error", "Frames that were not the venue's JSON", labels, rows(ledger.unreadable))
        yield _counter("messages_dropped", "Frames let go, disk and queue being full", labels, rows(ledger.dropped))
        yield _counter("orderbook_updates", "Book frames forwarded", labels, rows(books))
        yield _counter("trades_processed", "Trade frames forwarded", labels, rows(trades))
        yield _counter("sequence_errors", "Books that the books job reported lost", labels, rows(ledger.losses))
        yield _gauge("book_age_seconds", "Since the newest book frame", [*labels, "channel"], ages)
        desk = self._forwarder.cure.desk
        if desk is not None:
            yield _counter("snapshots_fetched", "REST snapshots forwarded", labels, rows(desk.fetched))
            yield _counter("snapshots_failed", "REST snapshots refused or failed", labels, rows(desk.failed))

    def _producers(self) -> Iterator[Metric]:
        labels = ["venue", "producer"]
        outlets = [([self._forwarder.ledger.venue, str(i)], each) for i, each in enumerate(self._forwarder.outlets)]
        errors = ((each, float(outlet.failure is not None)) for each, outlet in outlets)
        depth = ((each, outlet.depth) for each, outlet in outlets)
        spilled = ((each, outlet.spill.value_bytes) for each, outlet in outlets)
        unacknowledged = ((each, outlet.producer.unacknowledged) for each, outlet in outlets)
        batches = ((each, outlet.producer.batch_bytes()) for each, outlet in outlets)
        yield _counter("producer_errors", "Records that the broker refused for good", labels, errors)
        yield _gauge("producer_queue_depth", "Frames waiting in memory and on disk", labels, depth)
        yield _gauge("producer_spilled_bytes", "Of them, bytes on disk", labels, spilled)
        yield _gauge("producer_unacknowledged", "Frames sent and not acknowledged", labels, unacknowledged)
        yield _gauge("producer_batch_size_bytes", "Mean size of the client's batches of late", labels, batches)


Rows = Iterable[tuple[list[str], float]]


def _counter(name: str, text: str, labels: list[str], rows: Rows) -> Metric:
    return _filled(CounterMetricFamily(name, text, labels=labels), rows)


def _gauge(name: str, text: str, labels: list[str], rows: Rows) -> Metric:
    return _filled(GaugeMetricFamily(name, text, labels=labels), rows)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, rows: Rows) -> Metric:
    for labels, value in rows:
        family.add_metric(labels, value)
    return family


class Operations:
    """The HTTP server. /health: the process runs and produces. /ready: subscribed, and fresh frames of every symbol."""

    def __init__(self, forwarder: Forwarder, registry: CollectorRegistry) -> None:
        self._forwarder = forwarder
        self._registry = registry
        self._runner: web.AppRunner | None = None
        self.port = 0
        registry.register(LedgerCollector(forwarder))

    async def start(self, address: str) -> None:
        """Listen on `host:port`. Raises AddressError."""
        host, _, port = address.rpartition(":")
        app = web.Application()
        app.add_routes(
            [web.get("/health", self._health), web.get("/ready", self._ready), web.get("/metrics", self._metrics)]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host or None, int(port)).start()
        except OSError as error:
            await self._runner.cleanup()
            raise AddressError(
                f"cannot listen on {address}: {strerror(error.errno) if error.errno else error}; "
                "choose another with --metrics-addr (METRICS_ADDR)"
            ) from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the server."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, request: web.Request) -> web.Response:
        failures = [str(outlet.failure) for outlet in self._forwarder.outlets if outlet.failure is not None]
        return web.json_response(
            {"status": "failed" if failures else "ok", "failures": failures}, status=503 if failures else 200
        )

    async def _ready(self, request: web.Request) -> web.Response:
        within_us = int(self._forwarder.settings.fresh_within_s * 1e6)
        reasons = list(self._forwarder.ledger.unready(now_us(), within_us))
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
