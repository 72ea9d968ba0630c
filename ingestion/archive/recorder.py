"""From the broker to the archive."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from ingestion.archive.writer import Archive, ArchiveError
from market.kafka import no_broker
from market.topics import MAX_RECORD_BYTES

POLL_MS = 500


class Recorder:
    """Reads whole topics, without a consumer group: the folder itself knows how far it reaches."""

    def __init__(self, root: Path, client_options: dict[str, Any], topics: Iterable[str], prefix: str) -> None:
        self.gaps: list[str] = []  # what the broker no longer had
        self._prefix = prefix
        with ExitStack() as failing:
            self.archive = Archive(root)
            failing.callback(self.archive.release)
            self._consumer = self._connect(client_options)
            failing.callback(self._consumer.close)
            self._partitions = self._assign([prefix + topic for topic in topics])
            failing.pop_all()

    def run(self, going_on: Callable[[], bool], roll_due: Callable[[], bool], until_end: bool = False) -> None:
        """Record as long as `going_on`, rolling whenever `roll_due`, and once more at the end.

        `until_end`: up to what the topics hold now.
        """
        ends = self._consumer.end_offsets(self._partitions) if until_end else {}
        try:
            while going_on():
                for partition, records in self._consumer.poll(timeout_ms=POLL_MS).items():
                    topic = partition.topic.removeprefix(self._prefix)
                    for record in records:
                        self.archive.append(topic, record)
                if roll_due():
                    self.archive.roll()
                if until_end and all(self._consumer.position(each) >= end for each, end in ends.items()):
                    break
        except KafkaError as error:
            raise ArchiveError(f"the broker could not be read: {error}") from error
        finally:
            self.archive.close()
            self._consumer.close()

    def _connect(self, client_options: dict[str, Any]) -> Any:
        try:
            return KafkaConsumer(
                auto_offset_reset="none",
                fetch_max_bytes=4 * MAX_RECORD_BYTES,
                max_partition_fetch_bytes=MAX_RECORD_BYTES + 64 * 1024,
                **client_options,
            )
        except KafkaError as error:
            raise ArchiveError(no_broker(client_options, error)) from error

    def _assign(self, topics: list[str]) -> list[TopicPartition]:
        consumer = self._consumer
        found = {topic: consumer.partitions_for_topic(topic) for topic in topics}
        missing = [topic for topic, partitions in found.items() if not partitions]
        if missing:
            raise ArchiveError(f"no topic {', '.join(missing)}: forwarders or `depthflow replay` make them")
        assigned = [TopicPartition(topic, number) for topic, numbers in found.items() for number in sorted(numbers)]
        consumer.assign(assigned)
        first, end = consumer.beginning_offsets(assigned), consumer.end_offsets(assigned)
        for partition in assigned:
            consumer.seek(partition, self._start(partition, first[partition], end[partition]))
        return assigned

    def _start(self, partition: TopicPartition, first: int, end: int) -> int:
        topic = partition.topic.removeprefix(self._prefix)
        reached = self.archive.positions.get(topic, {}).get(str(partition.partition))
        if reached is None:
            return first
        where = f"{partition.topic}[{partition.partition}]"
        if reached > end:
            raise ArchiveError(
                f"{where} ends at offset {end}, the folder reaches {reached}: the topic was made anew. "
                "Record into another folder"
            )
        if reached < first:
            self.gaps.append(f"{where}: offsets {reached} to {first - 1} are gone from the broker")
        return max(reached, first)
