"""Metrics of `depthflow notify`."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.metrics_server import metrics_server

ALERTS = Counter("notify_alerts", "Alerts read, by result", ["result"])
DELIVERIES = Counter(
    "notify_deliveries", "Requests to a receiver: delivered, failed (sent again)", ["receiver", "result"]
)
UP = Gauge("notify_receiver_up", "1 if the newest request to the receiver succeeded", ["receiver"])
ACTIVE = Gauge("notify_active_alerts", "Open episodes that the filter admits")
DELAY = Histogram(
    "notify_delay_seconds",
    "From the write of an alert to its topic until every receiver has it",
    buckets=(0.5, 1, 2, 3, 5, 10, 30, 60, 300, 3600),
)

ALL = (ALERTS, DELIVERIES, UP, ACTIVE, DELAY)


@contextmanager
def served(address: str) -> Iterator[str]:
    """Serve /health, /ready and /metrics at `host:port` until the block ends. Raises AddressError."""
    registry = CollectorRegistry()
    for each in ALL:
        registry.register(each)
    with metrics_server(address, "NOTIFY_METRICS_ADDR", registry, list, receivers_down) as listening:
        yield listening


def receivers_down() -> list[str]:
    """A reason for each receiver whose newest request failed."""
    samples = (sample for family in UP.collect() for sample in family.samples)
    return [f"{sample.labels['receiver']} does not take alerts" for sample in samples if not sample.value]
