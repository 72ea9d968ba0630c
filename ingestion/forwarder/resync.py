"""Requests for fresh books, as the books job writes them to `orderbook.resync`."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Protocol, TypeAlias

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from market.records import Resync
from market.topics import RESYNC

POLL_MS = 200
READING = {"auto_offset_reset": "latest", "isolation_level": "read_uncommitted", "enable_auto_commit": False}
RETRY_S = 1.0

log = structlog.get_logger("forwarder")


class Requests:
    """Decides which requests to act on. Times are epoch ms; the caller says what time it is.

    A request is passed over when it is older than `expiry_ms`, or when it was told before the newest answer. Where an
    answer heals one connection only (`by_connection`), a request that names somebody else's is left to them when it is
    heard first, and acted on when it is repeated: they may be gone.
    """

    def __init__(self, venue: str, by_connection: bool, expiry_ms: int = 60_000) -> None:
        self._venue = venue
        self._by_connection = by_connection
        self._expiry_ms = expiry_ms
        self._answered: dict[str, int] = {}
        self._foreign: dict[str, int] = {}  # `since` of the newest request that was left to others, by symbol

    def admit(self, request: Resync, told_ms: int, now_ms: int, is_mine: Callable[[str], bool]) -> bool:
        """Whether to act on `request`, which was told at `told_ms`. `is_mine` knows this forwarder's connections."""
        if request.venue != self._venue or now_ms - told_ms > self._expiry_ms:
            return False
        if told_ms <= self._answered.get(request.symbol, 0):
            return False
        if self._by_connection and request.conn and not is_mine(request.conn):
            if self._foreign.get(request.symbol) != request.since:
                self._foreign[request.symbol] = request.since
                return False
        return True

    def answered(self, symbol: str, now_ms: int) -> None:
        """A fresh book of `symbol` came, for whatever cause."""
        self._answered[symbol] = now_ms
        self._foreign.pop(symbol, None)


Tell: TypeAlias = Callable[[Resync, int], None]  # a request, and when it was told (epoch ms)


class Listener(Protocol):
    """Where requests come from."""

    def start(self, tell: Tell) -> None: ...
    def stop(self) -> None: ...


class ResyncReader:
    """Reads the topic on a thread of its own, uncommitted and from its end: old requests concern nobody."""

    def __init__(self, client_options: dict[str, Any], prefix: str) -> None:
        self._options = client_options
        self._topic = prefix + RESYNC.name
        self._tell: Tell = lambda request, told_ms: None
        self._decode = msgspec.json.Decoder(Resync).decode
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="resync", daemon=True)

    def start(self, tell: Tell) -> None:
        """Begin to read. `tell` is called on the reader's thread."""
        self._tell = tell
        self._thread.start()

    def stop(self) -> None:
        """Stop reading. Blocks for a moment."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                consumer = KafkaConsumer(**READING, **self._options)
                try:
                    self._read(consumer)
                finally:
                    consumer.close()
            except KafkaError as error:
                log.warning("resync requests not readable", topic=self._topic, error=str(error))
                self._stopping.wait(RETRY_S)

    def _read(self, consumer: Any) -> None:
        partitions = consumer.partitions_for_topic(self._topic)
        if not partitions:
            self._stopping.wait(RETRY_S)
            return
        consumer.assign([TopicPartition(self._topic, partition) for partition in sorted(partitions)])
        while not self._stopping.is_set():
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    self._hear(record)

    def _hear(self, record: Any) -> None:
        try:
            request = self._decode(record.value or b"")
        except msgspec.MsgspecError as error:
            log.warning("unusable resync request", offset=record.offset, error=str(error))
            return
        self._tell(request, record.timestamp)
