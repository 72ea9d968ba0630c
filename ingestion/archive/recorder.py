"""Reads topics from the broker and writes them to the archive."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from core.kafka_client import connect, no_broker_message
from core.topics import MAX_RECORD_BYTES
from ingestion.archive.writer import Archive, ArchiveError

POLL_MS = 500


class Recorder:
    """Reads whole topics without a consumer group: the archive's folder stores the offsets.

    `gaps`: ranges of offsets that the broker had already deleted. `newest_ms`: time of the newest record that was read,
    epoch ms; 0 before the first. `running`: true while `run` reads. Raises ArchiveError for an unusable folder, missing
    topics, topics that were recreated since, and an unreachable broker.
    """

    def __init__(self, root: Path, client_options: dict[str, Any], topics: Iterable[str], prefix: str) -> None:
        self.gaps: list[str] = []
        self.newest_ms = 0
        self.running = False
        self._prefix = prefix
        with ExitStack() as on_failure:
            self.archive = Archive(root)
            on_failure.callback(self.archive.release)
            self._consumer = self._connect(client_options)
            on_failure.callback(self._consumer.close)
            self._partitions = self._assign([prefix + topic for topic in topics])
            on_failure.pop_all()

    def run(self, keep_running: Callable[[], bool], roll_due: Callable[[], bool], until_end: bool = False) -> None:
        """Record while `keep_running()`; complete the files whenever `roll_due()`, and at the end.

        `until_end`: stop at the current end of the topics.
        """
        ends = self._consumer.end_offsets(self._partitions) if until_end else {}
        self.running = True
        try:
            while keep_running():
                for partition, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                    topic = partition.topic.removeprefix(self._prefix)
                    for record in records:
                        self.archive.append(topic, record)
                    self.newest_ms = max(self.newest_ms, records[-1].timestamp)
                if roll_due():
                    self.archive.roll()
                if until_end and all(self._consumer.position(each) >= end for each, end in ends.items()):
                    break
        except KafkaError as error:
            raise ArchiveError(f"reading from the broker failed: {error}") from error
        finally:
            self.running = False
            self.archive.close()
            self._consumer.close()

    def _connect(self, client_options: dict[str, Any]) -> Any:
        try:
            return connect(
                KafkaConsumer,
                client_options,
                auto_offset_reset="none",
                fetch_max_bytes=4 * MAX_RECORD_BYTES,
                max_partition_fetch_bytes=MAX_RECORD_BYTES + 64 * 1024,
            )
        except (KafkaError, OSError) as error:
            raise ArchiveError(no_broker_message(client_options, error)) from error

    def _assign(self, topics: list[str]) -> list[TopicPartition]:
        consumer = self._consumer
        numbers_by_topic = {topic: consumer.partitions_for_topic(topic) for topic in topics}
        missing = [topic for topic, numbers in numbers_by_topic.items() if not numbers]
        if missing:
            raise ArchiveError(f"missing topics: {', '.join(missing)}; create them with `depthflow topics create`")
        assigned = [TopicPartition(topic, n) for topic, numbers in numbers_by_topic.items() for n in sorted(numbers)]
        consumer.assign(assigned)
        first, end = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
        for partition in assigned:
            consumer.seek(partition, self._start_offset(partition, first[partition], end[partition]))
        return assigned

    def _start_offset(self, partition: TopicPartition, first: int, end: int) -> int:
        topic = partition.topic.removeprefix(self._prefix)
        recorded = self.archive.positions.get(topic, {}).get(str(partition.partition))
        if recorded is None:
            return first
        name = f"{partition.topic}[{partition.partition}]"
        if recorded > end:
            raise ArchiveError(
                f"{name} ends at offset {end}, but the folder contains offsets up to {recorded - 1}: the topic was "
                "recreated; record into another folder"
            )
        if recorded < first:
            self.gaps.append(f"{name}: offsets {recorded} to {first - 1} were deleted from the broker")
        return max(recorded, first)
