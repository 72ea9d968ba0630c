"""Books, trades, ticks and states from Kafka into the segment, as soon as the jobs have written them (uncommitted)."""

from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from msgspec import Raw, Struct

from core.envelope import DECODE_ERRORS
from core.kafka_client import connect, no_broker_message
from core.records import Status, Trade
from core.topics import BOOKS, STATUS, TICKS, TRADES
from market.orderbook.tick_records import BookTick, TradeTick
from ring.segment import RingError
from ring.writer import RingWriter

HISTORY_MS = 60_000  # a book without an update in the last minute appears with its next one
POLL_MS = 100
FETCH_BYTES = 4 * 1024 * 1024

log = structlog.get_logger("ring")


class Book(Struct, frozen=True, gc=False):
    """Record of `orderbook.books`; its levels stay encoded."""

    event_time: int
    recv_us: int
    update_id: int
    bids: Raw
    asks: Raw


_decode_book = msgspec.json.Decoder(Book).decode
_decode_numbers = msgspec.json.Decoder(list[float]).decode
_decode_trade = msgspec.json.Decoder(Trade).decode
_decode_tick = msgspec.json.Decoder(BookTick | TradeTick).decode
_decode_status = msgspec.json.Decoder(Status).decode


def flat_levels(levels: Raw) -> list[float]:
    """Numbers of `[[price,size],…]` one after the other. Raises msgspec.DecodeError.

    The inner brackets are removed from the text: a list of pairs would have to be flattened for the segment, which
    takes twice as long as to write it.
    """
    text = bytes(levels)[1:-1].replace(b"],[", b",")
    return _decode_numbers(text) if text else []


class RingFeed:
    """Writes records into the segment. `books`: patterns of `venue:symbol` to keep, empty for all.

    `invalid` counts records that were skipped.
    """

    def __init__(self, writer: RingWriter, books: Sequence[str]) -> None:
        self._writer = writer
        self._patterns = books
        self._names: dict[bytes, str] = {}  # empty for keys that are not kept
        self._handlers = {TRADES: self._trade, TICKS: self._tick, STATUS: self._status, BOOKS: self._book}
        self.topics = tuple(self._handlers)
        self.invalid = 0

    def handlers(self, prefix: str) -> dict[str, Callable[[str, bytes], None]]:
        """The handler of the records of each topic, called with key and value."""
        return {prefix + topic.name: handler for topic, handler in self._handlers.items()}

    def write(self, handler: Callable[[str, bytes], None], key: bytes | None, value: bytes | None) -> None:
        """Write one record; one that is not valid is skipped."""
        name = self._names.get(key or b"")
        if name is None:
            name = self._names[key or b""] = self._name(key or b"")
        if not name:
            return
        try:
            handler(name, value or b"")
        except DECODE_ERRORS as error:
            self.invalid += 1
            log.warning("invalid record", key=name, error=str(error))

    def _name(self, key: bytes) -> str:
        name = key.decode(errors="replace")
        kept = not self._patterns or any(fnmatchcase(name, pattern) for pattern in self._patterns)
        return name if kept else ""

    def _book(self, key: str, value: bytes) -> None:
        book = _decode_book(value)
        bids, asks = flat_levels(book.bids), flat_levels(book.asks)
        self._writer.write_book(key, book.event_time, book.recv_us, book.update_id, bids, asks)

    def _trade(self, key: str, value: bytes) -> None:
        self._writer.write_trade(key, _decode_trade(value))

    def _tick(self, key: str, value: bytes) -> None:
        tick = _decode_tick(value)
        if isinstance(tick, BookTick):
            self._writer.write_tick(key, tick)

    def _status(self, key: str, value: bytes) -> None:
        status = _decode_status(value)
        self._writer.write_state(key, status.state, status.event_time)


class RingConsumer:
    """The consumer: states of the last days, everything else of the last minute, then what comes. Raises RingError.

    `records`: number of records read, by topic without the prefix.
    """

    def __init__(self, client_options: dict[str, Any], feed: RingFeed, prefix: str, now_ms: int) -> None:
        self._feed = feed
        self._handlers = feed.handlers(prefix)
        self._prefix = prefix
        self.records: Counter[str] = Counter()
        try:
            self._consumer = connect(
                KafkaConsumer,
                client_options,
                enable_auto_commit=False,
                auto_offset_reset="latest",
                isolation_level="read_uncommitted",
                max_partition_fetch_bytes=FETCH_BYTES,
            )
            self._assign(prefix + STATUS.name, now_ms - HISTORY_MS)
        except (KafkaError, OSError) as error:
            raise RingError(no_broker_message(client_options, error)) from error

    def _assign(self, states: str, since_ms: int) -> None:
        consumer = self._consumer
        numbers = {topic: consumer.partitions_for_topic(topic) for topic in self._handlers}
        if missing := [topic for topic, found in numbers.items() if not found]:
            raise RingError(f"missing topics: {', '.join(missing)}; create them with `depthflow topics create`")
        partitions = [TopicPartition(topic, number) for topic, found in numbers.items() for number in sorted(found)]
        consumer.assign(partitions)
        ends, past = consumer.end_offsets(partitions), consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
        firsts = consumer.beginning_offsets([each for each in partitions if each.topic == states])
        for each in partitions:
            recent = past[each].offset if past[each] else ends[each]
            consumer.seek(each, firsts.get(each, recent))

    def run(self, keep_running: Callable[[], bool], beat: Callable[[], None]) -> None:
        """Write records while `keep_running()`; `beat` is called ten times a second and more."""
        while keep_running():
            try:
                polled = self._consumer.poll(timeout_ms=POLL_MS)
            except KafkaError as error:
                raise RingError(f"reading from the broker failed: {type(error).__name__}: {error}") from error
            for partition, records in polled.items():
                handler, write = self._handlers[partition.topic], self._feed.write
                self.records[partition.topic.removeprefix(self._prefix)] += len(records)
                for record in records:
                    write(handler, record.key, record.value)
            beat()

    def close(self) -> None:
        self._consumer.close()
