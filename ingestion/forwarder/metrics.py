"""Prometheus metrics of a forwarder: latencies of its producers, and its statistics at each scrape."""

from collections.abc import Iterable, Iterator
from time import time_ns

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from core.logs import SLOW_TASKS
from core.topics import RAW_BOOKS, RAW_TRADES
from ingestion.forwarder.clock import now_us
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.stats import StreamStats, topic_of
from venues.protocol import Stream

LATENCY_US = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000, 60_000_000)
BATCHES = (1, 2, 5, 10, 25, 50, 100, 250, 500)

Rows = Iterable[tuple[list[str], float]]


class LatencyMetrics:
    """Latency histograms of the producers, observed on their threads and those of the Kafka client."""

    def __init__(self, venue: str, registry: CollectorRegistry) -> None:
        def histogram(name: str, text: str, buckets: tuple[int, ...]) -> Histogram:
            return Histogram(name, text, ["venue"], buckets=buckets, registry=registry).labels(venue)

        self._latency = histogram(
            "processing_latency_microseconds",
            "Time from the receipt of a batch's oldest frame until the producer has it; without a queue, one in 64",
            LATENCY_US,
        )
        self._acknowledged = histogram(
            "producer_ack_latency_microseconds",
            "Time from the receipt of a frame until the broker acknowledges it, measured on one frame in 64",
            LATENCY_US,
        )
        text = "Frames passed to the producer at a time; of frames that did not wait in the queue, one in 64 counts"
        self._batch = histogram("producer_handover_records", text, BATCHES)

    def on_produced(self, records: int, oldest_recv_us: int) -> None:
        """Observe a batch that was passed to the Kafka client."""
        self._batch.observe(records)
        self._latency.observe(now_us() - oldest_recv_us)

    def on_acknowledged(self, recv_us: int) -> None:
        """Observe the acknowledgement of a frame."""
        self._acknowledged.observe(now_us() - recv_us)


class StatsCollector:
    """Exports the forwarder's statistics when Prometheus scrapes."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    def collect(self) -> Iterator[Metric]:
        """All metric families."""
        yield from self._connections()
        yield from self._symbols()
        yield from self._producers()
        yield from self._background()

    def _connections(self) -> Iterator[Metric]:
        stats = self._forwarder.stats
        connections = [([stats.venue, name], each) for name, each in stats.connections.items()]
        names = ["venue", "connection"]
        connected = ((labels, float(each.connected)) for labels, each in connections)
        disconnects = ((labels, each.disconnects) for labels, each in connections)
        yield _gauge("websocket_connected", "1 while the connection is open", names, connected)
        yield _counter("websocket_disconnects", "Connections lost", names, disconnects)

    def _symbols(self) -> Iterator[Metric]:
        stats, venue = self._forwarder.stats, self._forwarder.stats.venue
        names = ["venue", "symbol"]
        streams = sorted(stats.streams.items())
        zeros = dict.fromkeys((stream.symbol for stream, _ in streams), 0)

        def rows(counts: dict[str, int]) -> Iterator[tuple[list[str], float]]:
            return (([venue, symbol], count) for symbol, count in sorted((zeros | counts).items()))

        frames = (([venue, stream.symbol, stream.channel], each.frames) for stream, each in streams)
        ages = (
            ([venue, stream.symbol, stream.channel], time_ns() / 1e9 - each.last_recv_us / 1e6)
            for stream, each in streams
            if each.last_recv_us and topic_of(venue, stream) == RAW_BOOKS.name
        )
        books, trades = stats.frames_by_topic(RAW_BOOKS.name), stats.frames_by_topic(RAW_TRADES.name)
        yield _counter("messages_processed", "Frames forwarded", [*names, "channel"], frames)
        yield _counter("messages_error", "Frames that are not the venue's JSON", names, rows(stats.invalid_frames))
        yield _counter("messages_dropped", "Frames dropped, queue and disk being full", names, rows(stats.dropped))
        yield _counter("orderbook_updates", "Book frames forwarded", names, rows(books))
        yield _counter("trades_processed", "Trade frames forwarded", names, rows(trades))
        yield _counter("sequence_errors", "Resync requests of the books job acted on", names, rows(stats.lost_books))
        yield _gauge("book_age_seconds", "Age of the newest book frame", [*names, "channel"], ages)
        yield from self._streams(streams)
        fetcher = self._forwarder.fetcher
        if fetcher is not None:
            yield _counter("snapshots_fetched", "REST snapshots forwarded", names, rows(fetcher.fetched))
            yield _counter("snapshots_failed", "REST snapshots refused or failed", names, rows(fetcher.failed))

    def _streams(self, streams: list[tuple[Stream, StreamStats]]) -> Iterator[Metric]:
        stats, names = self._forwarder.stats, ["venue", "symbol", "channel"]
        now_s = time_ns() / 1e9
        labelled = [([stats.venue, stream.symbol, stream.channel], stream, each) for stream, each in streams]
        ages = ((labels, now_s - each.last_recv_us / 1e6) for labels, _, each in labelled if each.last_recv_us)
        silences = ((labels, stats.silences[stream]) for labels, stream, _ in labelled)
        yield _gauge("stream_age_seconds", "Age of the newest frame of a stream", names, ages)
        yield _counter("stream_resubscriptions", "Subscriptions renewed because a book was silent", names, silences)

    def _background(self) -> Iterator[Metric]:
        forwarder, venue = self._forwarder, self._forwarder.stats.venue
        lists = forwarder.chains.failures if forwarder.chains is not None else {}
        attempts = (([venue, name], count) for name, count in forwarder.stats.refused_attempts.items())
        failed_lists = (([venue, chain], count) for chain, count in lists.items())
        resyncs, slow = [([venue], forwarder.resyncs.failures)], [([venue], SLOW_TASKS.count)]
        yield _gauge("forwarder_failed", "1 while /health reports a failure", ["venue"], [([venue], self._failed())])
        yield _counter(
            "connection_attempts_failed", "Attempts to connect that failed", ["venue", "connection"], attempts
        )
        yield _counter("chain_lists_failed", "Lists of options refused or failed", ["venue", "chain"], failed_lists)
        yield _counter("resync_reads_failed", "Errors of the reader of resync requests", ["venue"], resyncs)
        yield _counter("kafka_slow_tasks", "Slow steps of the Kafka client's selector", ["venue"], slow)

    def _failed(self) -> float:
        return float(bool(self._forwarder.failures))

    def _producers(self) -> Iterator[Metric]:
        names = ["venue", "producer"]
        producers = [([self._forwarder.stats.venue, str(i)], each) for i, each in enumerate(self._forwarder.producers)]
        errors = ((labels, float(each.failure is not None)) for labels, each in producers)
        queued = ((labels, each.queued_records) for labels, each in producers)
        spilled = ((labels, each.spill.value_bytes) for labels, each in producers)
        unacknowledged = ((labels, each.client.unacknowledged) for labels, each in producers)
        batches = ((labels, each.client.batch_bytes()) for labels, each in producers)
        yield _counter("producer_errors", "Records that the broker rejected for good", names, errors)
        yield _gauge("producer_queue_depth", "Frames waiting in memory and on disk", names, queued)
        yield _gauge("producer_spilled_bytes", "Bytes waiting on disk", names, spilled)
        yield _gauge("producer_unacknowledged", "Frames sent and not acknowledged", names, unacknowledged)
        yield _gauge("producer_batch_size_bytes", "Mean size of the client's recent batches", names, batches)


def _counter(name: str, text: str, labels: list[str], rows: Rows) -> Metric:
    return _filled(CounterMetricFamily(name, text, labels=labels), rows)


def _gauge(name: str, text: str, labels: list[str], rows: Rows) -> Metric:
    return _filled(GaugeMetricFamily(name, text, labels=labels), rows)


def _filled(family: CounterMetricFamily | GaugeMetricFamily, rows: Rows) -> Metric:
    for labels, value in rows:
        family.add_metric(labels, value)
    return family
