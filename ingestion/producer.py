"""Kafka producer of the forwarders and of replay: idempotent, acks=all, compressed; every failure raises."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from core.errors import UserError
from core.kafka_client import connect, no_broker_message
from core.partitioner import KeyPartitioner
from core.records import Envelope
from core.topics import MAX_RECORD_BYTES
from venues.routing import route

MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024
Compression = Literal["lz4", "gzip"]  # supported by the declared dependencies

MAX_BLOCK_MS = 60_000  # time that `send` waits for a topic's metadata before it raises
# While a partition has a second batch, kafka-python wakes its sender, a system call, with every record. With batches of
# 256 KB a producer that had fallen behind spent a third more processor time on each record, and stayed behind.
BATCH_BYTES = 1024 * 1024
MAX_RECONNECT_BACKOFF_MS = 2_000  # a broker that returns is found within this time; the client's default is 30 s


class DeliveryError(UserError):
    """A record was not acknowledged: its partition has a gap from here on."""


@dataclass(frozen=True)
class ProducerConfig:
    """Settings of a RawProducer. Idempotence, acks=all and the 16 MB record limit are fixed.

    `bootstrap_servers`: host:port, separated by commas. `topic_prefix` is prepended to every topic name.
    """

    bootstrap_servers: str
    topic_prefix: str = ""
    security: Mapping[str, Any] = field(default_factory=dict)  # TLS and SASL: `core.kafka_client.python_client_options`
    compression: Compression | None = "lz4"
    linger_ms: int = 5
    batch_bytes: int = BATCH_BYTES
    delivery_timeout_ms: int = 120_000  # time that a record waits for an unreachable broker before it fails

    def client_options(self) -> dict[str, Any]:
        """Options of kafka-python's KafkaProducer."""
        return {
            **self.security,
            "bootstrap_servers": self.bootstrap_servers,
            "acks": "all",
            "enable_idempotence": True,
            "compression_type": self.compression,
            "linger_ms": self.linger_ms,
            "batch_size": self.batch_bytes,
            "max_block_ms": MAX_BLOCK_MS,
            "partitioner": KeyPartitioner(),
            "delivery_timeout_ms": self.delivery_timeout_ms,
            "reconnect_backoff_max_ms": MAX_RECONNECT_BACKOFF_MS,
            # The broker limits the whole batch: the batch header must fit beside the largest record.
            "max_request_size": MAX_RECORD_BYTES + 64 * 1024,
        }


class RawProducer:
    """Writes each envelope to its raw topic (`venues.routing.route`), in order per key.

    Not thread-safe. `sent` and `acknowledged` count records by topic (with prefix); `sent_bytes` and
    `acknowledged_bytes` sum the bytes of their values. Both pairs are equal after `flush`. When the broker does not
    acknowledge a record, the next `send` or `flush` and every later one raise DeliveryError.
    """

    def __init__(self, client: Any, topic_prefix: str = "") -> None:
        self._client = client
        self._prefix = topic_prefix
        self._encode = msgspec.json.Encoder().encode
        self._failure: tuple[str, BaseException] | None = None
        self.sent: Counter[str] = Counter()
        self.acknowledged: Counter[str] = Counter()
        self.sent_bytes = 0
        self.acknowledged_bytes = 0

    @classmethod
    def connect(cls, config: ProducerConfig) -> "RawProducer":
        """Connect to a broker. Raises DeliveryError when none responds."""
        options = config.client_options()
        try:
            return cls(connect(KafkaProducer, options), config.topic_prefix)
        except (KafkaError, OSError) as error:
            raise DeliveryError(no_broker_message(options, error)) from error

    def send(self, envelope: Envelope) -> None:
        """Queue one envelope under its key; flush first when more than MAX_IN_FLIGHT_BYTES are unacknowledged.

        Raises DeliveryError when the client rejects this record, or an earlier one was not acknowledged.
        """
        name, key = route(envelope.venue, envelope.channel, envelope.symbol)
        self.write(name, key.encode(), self._encode(envelope))
        if self.sent_bytes - self.acknowledged_bytes > MAX_IN_FLIGHT_BYTES:
            self.flush()

    def write(self, name: str, key: bytes, value: bytes | None) -> Any:
        """Queue one encoded record for the topic `name` (without prefix). Returns the client's future.

        A record without a value deletes its key from a compacted topic.
        The client's queue is unbounded: callers that write continuously limit it themselves, as `send` does.
        """
        self._raise_failure()
        topic = self._prefix + name
        try:
            future = self._client.send(topic, value, key)
        except KafkaError as error:
            raise DeliveryError(f"{topic} {key.decode()}: not queued: {error}") from error
        self.sent[topic] += 1
        self.sent_bytes += len(value or b"")
        future.add_callback(self._acknowledge)
        future.add_errback(self._fail, topic, key)
        return future

    def learn(self, names: Iterable[str]) -> None:
        """Ask the broker for the partitions of topics (without prefix), so that the first `write` does not wait.

        A topic that the broker does not know is waited for as long as the client's `max_block_ms`, a minute, and is
        left to that `write`, whose error names it.
        """
        for name in names:
            with suppress(KafkaError):
                self._client.partitions_for(self._prefix + name)

    def knows(self, name: str) -> bool:
        """True while the client knows the partitions of the topic `name` (without prefix): `write` does not wait.

        kafka-python asks the broker for them in `send` and shows them nowhere else; the private name has its own test.
        """
        return self._client._metadata.partitions_for_topic(self._prefix + name) is not None

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until every sent record is acknowledged. Raises DeliveryError on a failure or after `timeout_s`."""
        try:
            self._client.flush(timeout=timeout_s)
        except KafkaError as error:
            raise DeliveryError(
                f"{self.unacknowledged} of {self.sent.total()} records not acknowledged: {error}"
            ) from error
        self._raise_failure()

    def close(self) -> None:
        """Flush, then close the connections, even when the flush fails."""
        try:
            self.flush()
        finally:
            self._client.close(timeout=5)

    @property
    def unacknowledged(self) -> int:
        """Number of records queued or in flight."""
        return self.sent.total() - self.acknowledged.total()

    def batch_bytes(self) -> float:
        """Mean size in bytes of recently sent batches; 0 when there were none."""
        size = self._client.metrics().get("producer-metrics", {}).get("batch-size-avg", 0.0)
        return float(size) if size == size else 0.0

    def _acknowledge(self, metadata: Any) -> None:
        # Runs on the client's own thread, the only one that writes these counters.
        self.acknowledged[metadata.topic] += 1
        self.acknowledged_bytes += max(metadata.serialized_value_size, 0)  # -1: no value

    def _fail(self, topic: str, key: bytes, error: BaseException) -> None:
        if self._failure is None:
            self._failure = (f"{topic} {key.decode()}", error)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            where, error = self._failure
            raise DeliveryError(f"{where}: not acknowledged: {error}") from error
