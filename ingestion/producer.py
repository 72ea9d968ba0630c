"""The producer of the forwarders and of replay: idempotent, acknowledged by all, compressed, loud about failure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner import Partitioner, murmur2

from ingestion.routing import route
from market.errors import UserError
from market.kafka import no_broker
from market.records import Envelope
from market.topics import MAX_RECORD_BYTES

BYTES_UNDER_WAY = 64 * 1024 * 1024
Compression = Literal["lz4", "gzip"]  # what the declared packages bring

BOOTSTRAP_MS = 10_000  # a broker that answers nobody in this time is away
METADATA_MS = 60_000  # how long `send` waits to learn where a topic lives before it says so
RECONNECT_MS = 2_000  # a broker that is back is found within this time; the client's own is 30 s


class DeliveryError(UserError):
    """A record was not acknowledged: what follows in its partition must not be taken for complete."""


@dataclass(frozen=True)
class ProducerConfig:
    """What may be tuned. Idempotence, acks=all and the 16 MB record limit may not."""

    bootstrap_servers: str
    topic_prefix: str = ""
    security: Mapping[str, Any] = field(default_factory=dict)  # TLS and SASL: `market.kafka.python_client`
    compression: Compression | None = "lz4"
    linger_ms: int = 5
    batch_bytes: int = 256 * 1024
    delivery_ms: int = 120_000  # how long a record may wait for a broker that is away

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
            "bootstrap_timeout_ms": BOOTSTRAP_MS,
            "max_block_ms": METADATA_MS,
            "partitioner": KeyPartitioner(),
            "delivery_timeout_ms": self.delivery_ms,
            "reconnect_backoff_max_ms": RECONNECT_MS,
            # The limit is the broker's on a whole batch; its header must fit beside the largest record.
            "max_request_size": MAX_RECORD_BYTES + 64 * 1024,
        }


class KeyPartitioner(Partitioner):  # type: ignore[misc]
    """The partition that every Kafka client gives a key; hashing, pure Python here, is done once per key."""

    def __init__(self) -> None:
        self._hash = lru_cache(maxsize=1 << 16)(murmur2)

    def partition(
        self, topic: str, key: Any, serialized_key: bytes, value: Any, serialized_value: bytes, cluster: Any
    ) -> int:
        """Index of the partition, by the number of partitions that the topic has now."""
        hashed: int = self._hash(serialized_key)
        return (hashed & 0x7FFFFFFF) % len(cluster.partitions_for_topic(topic))


class RawProducer:
    """Writes envelopes to the raw topic that each belongs to, in order per key.

    Not for several threads. `sent` and `acknowledged` count records by topic, and the bytes of their values; they are
    equal after `flush`. A record that the broker did not take raises DeliveryError from the next `send` or `flush`, and
    from every later one.
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
        """Producer for a broker. Raises DeliveryError when none answers."""
        options = config.client_options()
        try:
            return cls(KafkaProducer(**options), config.topic_prefix)
        except KafkaError as error:
            raise DeliveryError(no_broker(options, error)) from error

    def send(self, envelope: Envelope) -> None:
        """Queue one envelope under its key; while too much is under way, wait until all of it has arrived."""
        name, key = route(envelope.venue, envelope.channel, envelope.symbol)
        self.write(name, key.encode(), self._encode(envelope))
        if self.sent_bytes - self.acknowledged_bytes > BYTES_UNDER_WAY:
            self.flush()

    def write(self, name: str, key: bytes, value: bytes | None) -> Any:
        """Queue one encoded record for the topic `name` (without its prefix). Returns the client's future.

        A record without a value takes its key out of a compacted topic.
        The client's queue has no limit: who writes on without end watches it.
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

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until all that was sent is acknowledged. Raises DeliveryError on a failure or when the time is up."""
        try:
            self._client.flush(timeout=timeout_s)
        except KafkaError as error:
            raise DeliveryError(
                f"{self.unacknowledged} of {self.sent.total()} records not acknowledged: {error}"
            ) from error
        self._raise_failure()

    def close(self) -> None:
        """Flush, then let the connections go, even when the flush fails."""
        try:
            self.flush()
        finally:
            self._client.close(timeout=5)

    @property
    def unacknowledged(self) -> int:
        """Records queued or under way."""
        return self.sent.total() - self.acknowledged.total()

    def batch_bytes(self) -> float:
        """Mean size of the batches that were sent of late; 0 when there were none."""
        size = self._client.metrics().get("producer-metrics", {}).get("batch-size-avg", 0.0)
        return float(size) if size == size else 0.0

    def _acknowledge(self, metadata: Any) -> None:
        # On the client's own thread, which alone writes these counters.
        self.acknowledged[metadata.topic] += 1
        self.acknowledged_bytes += max(metadata.serialized_value_size, 0)  # -1: no value

    def _fail(self, topic: str, key: bytes, error: BaseException) -> None:
        if self._failure is None:
            self._failure = (f"{topic} {key.decode()}", error)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            where, error = self._failure
            raise DeliveryError(f"{where}: not acknowledged: {error}") from error
