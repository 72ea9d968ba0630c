"""Alerts from Kafka with offsets that are committed after delivery.

Partitions are assigned by hand: a consumer group would expel a member whose receiver is down for hours. Alerts of the
last day before the committed offsets are read again at the start, to find the open episodes; they are not delivered.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from core.errors import UserError
from core.kafka_client import connect, no_broker_message
from core.settings import Settings
from core.topics import ALERTS

HISTORY_MS = 24 * 3600 * 1000
POLL_MS = 500
MAX_ALERTS = 1_000  # in one group

log = structlog.get_logger("notify")


class SourceError(UserError):
    """The broker does not respond, or has no topic of alerts."""


class Read(NamedTuple):
    """One record of the topic. `is_new`: not delivered yet."""

    value: bytes
    written_ms: int
    is_new: bool


class AlertSource:
    """Reads committed alerts. A group that is new begins at the end of the topic. Raises SourceError."""

    def __init__(self, client_options: dict[str, Any], settings: Settings, name: str, now_ms: int) -> None:
        self._topic = settings.topic_prefix + ALERTS.name
        group = f"{settings.topic_prefix}depthflow-notify" + (f"-{name}" if name else "")
        try:
            self._consumer = connect(
                KafkaConsumer,
                client_options,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
            )
            self._delivered = self._assign(now_ms)
        except (KafkaError, OSError) as error:
            raise SourceError(no_broker_message(client_options, error)) from error
        self._committed = dict(self._delivered)
        self._read = dict(self._delivered)

    def _assign(self, now_ms: int) -> dict[TopicPartition, int]:
        """Assign all partitions; returns the offset from which alerts are to be delivered, for each."""
        consumer = self._consumer
        numbers = consumer.partitions_for_topic(self._topic)
        if not numbers:
            raise SourceError(f"no topic {self._topic}: create it with `depthflow topics create`")
        partitions = [TopicPartition(self._topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        firsts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        past = consumer.offsets_for_times(dict.fromkeys(partitions, now_ms - HISTORY_MS))
        starts = {}
        for each in partitions:
            committed = consumer.committed(each)
            starts[each] = self._start(each, ends[each] if committed is None else committed, firsts[each], ends[each])
            consumer.seek(each, min(starts[each], past[each].offset if past[each] else ends[each]))
        consumer.commit({each: OffsetAndMetadata(offset, "", -1) for each, offset in starts.items()})
        return starts

    def _start(self, partition: TopicPartition, committed: int, first: int, end: int) -> int:
        if first <= committed <= end:
            return committed
        cause = "the topic was created anew" if committed > end else "the broker has deleted alerts that were not sent"
        log.warning(cause, partition=partition.partition, committed=committed, first=first, end=end)
        return first

    def poll(self, timeout_ms: int = POLL_MS) -> Sequence[Read]:
        """The next records, in the order of each book; none when the time is over. Raises SourceError."""
        found = []
        try:
            polled = self._consumer.poll(timeout_ms=timeout_ms, max_records=MAX_ALERTS)
        except KafkaError as error:
            raise SourceError(f"reading alerts failed: {type(error).__name__}: {error}") from error
        for partition, records in polled.items():
            for record in records:
                is_new = record.offset >= self._delivered[partition]
                found.append(Read(record.value or b"", record.timestamp, is_new))
            self._read[partition] = max(records[-1].offset + 1, self._read[partition])
        return found

    def caught_up(self) -> bool:
        """True once all alerts before those to deliver were read, so that the open episodes are known."""
        return all(self._consumer.position(each) >= offset for each, offset in self._delivered.items())

    def commit(self) -> None:
        """Commit everything that `poll` returned. A failure is logged, and made up for by the next call."""
        changed = {each: offset for each, offset in self._read.items() if offset != self._committed[each]}
        if not changed:
            return
        try:
            self._consumer.commit({each: OffsetAndMetadata(offset, "", -1) for each, offset in changed.items()})
            self._committed |= changed
        except KafkaError as error:
            log.warning("offsets not committed, to be repeated", error=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        self._consumer.close()
