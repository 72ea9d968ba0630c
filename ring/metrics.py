"""Metrics of `depthflow ring`."""

from collections.abc import Iterator
from time import monotonic_ns

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ring.feed import RingConsumer, RingFeed
from ring.writer import RingWriter


class RingMetrics(Collector):
    """Counts of a running ring."""

    def __init__(self, writer: RingWriter, feed: RingFeed, reader: RingConsumer) -> None:
        self._writer, self._feed, self._reader = writer, feed, reader

    def collect(self) -> Iterator[Metric]:
        """One family for each number."""
        records = CounterMetricFamily("ring_records", "Records read", labels=["topic"])
        for topic, count in self._reader.records.items():
            records.add_metric([topic], count)
        yield records
        yield CounterMetricFamily("ring_invalid_records", "Records that are not valid", self._feed.invalid)
        yield GaugeMetricFamily("ring_books", "Books that have a slot", self._writer.books)
        yield GaugeMetricFamily("ring_books_refused", "Books without a slot", len(self._writer.refused))
        if newest_ns := self._writer.newest_ns:
            age_s = (monotonic_ns() - newest_ns) / 1e9
            yield GaugeMetricFamily("ring_newest_record_age_seconds", "Age of the newest record", age_s)

    def not_ready(self) -> list[str]:
        """Reasons why the ring is not ready; empty if it is."""
        refused = sorted(self._writer.refused)
        reasons = [] if self._writer.books else ["no book has been read yet"]
        return reasons + ([f"no slot for {', '.join(refused)}: give more --slots"] if refused else [])
