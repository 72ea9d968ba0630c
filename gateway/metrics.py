"""Prometheus metrics of the gateway."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class GatewayMetrics:
    """Metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("gateway_requests", "Requests by route and status.", "route", "status")
        self.seconds = Histogram(
            "gateway_request_seconds", "Duration of requests.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.clients = Gauge("gateway_socket_clients", "Sockets that are connected.", registry=self.registry)
        self.channels = Gauge("gateway_channels", "Redis channels that are subscribed.", registry=self.registry)
        self.redis_up = Gauge("gateway_redis_up", "1 while the subscription to Redis works.", registry=self.registry)
        self.updates = self._counter("gateway_updates", "Updates received from Redis.")
        self.sent = self._counter("gateway_messages_sent", "Messages sent to sockets.")
        self.conflated = self._counter("gateway_messages_conflated", "Values replaced by newer ones before sending.")
        self.dropped = self._counter("gateway_messages_dropped", "Alerts and trades that a slow socket did not get.")
        self.stalled = self._counter("gateway_sockets_stalled", "Sockets closed because they stopped reading.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
