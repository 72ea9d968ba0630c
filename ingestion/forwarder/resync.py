"""Resync requests: the books job writes them to `orderbook.resync` when it needs a fresh book."""

from collections.abc import Callable, Iterator, Sequence
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import Any, Protocol, TypeAlias

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from core.records import Resync
from core.topics import RESYNC
from ingestion.background import OnFailure, start_thread
from ingestion.forwarder.rate_limit import backoff

POLL_MS = 200
STOP_S = 2.0  # longest wait for the present poll at a stop
BROKER_TIME = 1  # `timestamp_type` of a record that the broker has stamped
CONSUMER_OPTIONS = {"auto_offset_reset": "latest", "isolation_level": "read_uncommitted", "enable_auto_commit": False}
RETRY_S, MAX_RETRY_S = 1.0, 30.0

log = structlog.get_logger("forwarder")


class ResyncFilter:
    """Selects the requests to act on. All times are seconds of this process's monotonic clock, from the caller.

    A request is ignored if it is older than `expiry_s`, or was written before the newest recovery of its book. If a
    recovery affects one connection only (`by_connection`), a request that names another forwarder's connection is
    ignored the first time and acted on when it is repeated, because that forwarder may have stopped.
    """

    def __init__(self, venue: str, by_connection: bool, expiry_s: float = 60.0) -> None:
        self._venue = venue
        self._by_connection = by_connection
        self._expiry_s = expiry_s
        self._recovered_at: dict[str, float] = {}
        self._ignored_since: dict[str, int] = {}  # `since` of the newest request ignored for its connection, by symbol

    def admit(self, request: Resync, requested_at: float, now: float, is_own: Callable[[str], bool]) -> bool:
        """True if the forwarder must act on `request`, written at `requested_at`.

        `is_own` is true for the ids of this forwarder's connections.
        """
        if request.venue != self._venue or now - requested_at > self._expiry_s:
            return False
        if requested_at <= self._recovered_at.get(request.symbol, float("-inf")):
            return False
        if self._by_connection and request.conn and not is_own(request.conn):
            if self._ignored_since.get(request.symbol) != request.since:
                self._ignored_since[request.symbol] = request.since
                return False
        return True

    def mark_recovered(self, symbol: str, now: float) -> None:
        """Record that a fresh book of `symbol` was received, for whatever reason."""
        self._recovered_at[symbol] = now
        self._ignored_since.pop(symbol, None)


def written_at(records: Sequence[Any], read_at: float) -> Iterator[tuple[Any, float]]:
    """Records of one partition, read together at `read_at`, each with the time it was written on the reader's clock.

    The newest record counts as just written, and the age of each other one is the difference of the two broker times:
    clocks of different hosts are never compared, and a clock that jumps between two polls changes nothing. Times that
    a producer has set are not used for ages; such records count as just written.
    """
    newest = max((record.timestamp for record in records if record.timestamp_type == BROKER_TIME), default=0)
    for record in records:
        age_ms = newest - record.timestamp if record.timestamp_type == BROKER_TIME else 0
        yield record, read_at - age_ms / 1000


ResyncHandler: TypeAlias = Callable[[Resync, float], None]  # a request and the time it was written (monotonic, s)


class ResyncSource(Protocol):
    """Source of resync requests. The handler may be called on another thread.

    `failures` counts failed attempts to read; `failure` describes the present one and is empty while reading works.
    """

    failures: int
    failure: str

    def start(self, handler: ResyncHandler, on_failure: OnFailure) -> None: ...
    def stop(self) -> None: ...


class ResyncReader:
    """Reads the topic on its own thread: uncommitted, and from its end, because old requests are obsolete.

    An error of the broker or of the Kafka client is counted, and reading starts again with a new client. `failure`
    names errors other than the broker's: an unreachable broker is an outage that the forwarder survives.
    """

    def __init__(self, client_options: dict[str, Any], prefix: str) -> None:
        self.failures = 0
        self.failure = ""
        self._options = client_options
        self._topic = prefix + RESYNC.name
        self._decode = msgspec.json.Decoder(Resync).decode
        self._stopping = Event()
        self._thread: Thread | None = None
        self._delays = backoff(RETRY_S, MAX_RETRY_S, Random())

    def start(self, handler: ResyncHandler, on_failure: OnFailure) -> None:
        """Start reading. Both are called on the reader's thread; `on_failure` once reading has ended for good."""
        self._thread = start_thread("reader of resync requests", lambda: self._run(handler), on_failure)

    def stop(self) -> None:
        """Stop reading. Blocks until the present poll ends, for at most `STOP_S`."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _run(self, handler: ResyncHandler) -> None:
        while not self._stopping.is_set():
            try:
                consumer = KafkaConsumer(**CONSUMER_OPTIONS, **self._options)
                try:
                    self._read(consumer, handler)
                finally:
                    consumer.close()
            except Exception as error:
                self._note(error)
                self._stopping.wait(next(self._delays))

    def _note(self, error: Exception) -> None:
        self.failures += 1
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        if not isinstance(error, KafkaError):
            self.failure = f"cannot read resync requests: {text}"
        log.warning("cannot read resync requests", topic=self._topic, error=text)

    def _read(self, consumer: Any, handler: ResyncHandler) -> None:
        partitions = consumer.partitions_for_topic(self._topic)
        if not partitions:
            self._stopping.wait(RETRY_S)
            return
        consumer.assign([TopicPartition(self._topic, partition) for partition in sorted(partitions)])
        while not self._stopping.is_set():
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record, at in written_at(records, monotonic()):
                    self._handle(record, at, handler)
            if self.failures:
                self.failure, self._delays = "", backoff(RETRY_S, MAX_RETRY_S, Random())

    def _handle(self, record: Any, written_at_s: float, handler: ResyncHandler) -> None:
        try:
            request = self._decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            log.warning("invalid resync request", offset=record.offset, error=str(error))
            return
        handler(request, written_at_s)
