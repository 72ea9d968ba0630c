"""Counts of records in topics and of records that a job has processed, on which all throughput figures rest."""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from core.errors import UserError

Count = Callable[[], int]
WARM_UP = 0.2  # share of the records before the rate is measured
STALL_S = 120
LEADER_S = 30
POLL_S = 0.25  # each poll loads the broker, which shares its cores with the measured job


class Stalled(UserError):
    """The measured count stopped before the end."""


class Counter:
    """Counts the records of topics by their end offsets; transaction markers count as records.

    An end offset is the last stable one: records of a transaction count once it is committed.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._client = self._consumer("depthflow-bench")

    def count(self, topics: Iterable[str]) -> int:
        """Sum of the end offsets over all partitions."""
        return sum(self._end(place) for place in self._partitions(topics))

    def processed_by(self, group: str, topics: Iterable[str]) -> Count:
        """A count of the records that a Flink job has processed, by the committed offsets of its group.

        The group commits when a checkpoint is complete: every operator and every sink has processed those records.
        """
        client, partitions = self._consumer(group), self._partitions(topics)
        return lambda: sum(max(place.offset, 0) for place in client.committed(partitions, timeout=10))

    def rate_until(self, topic: str, target: int) -> float:
        """Records per second on `topic` until it has `target` records, measured as by `rates_until`."""
        return rates_until(topic, target, lambda: self.count([topic]))[0]

    def _end(self, place: TopicPartition) -> int:
        """End offset of a partition. A new topic's leader may need a moment to answer."""
        until = time.monotonic() + LEADER_S
        while True:
            try:
                end: int = self._client.get_watermark_offsets(place, timeout=10)[1]
                return end
            except KafkaException as error:
                if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION or time.monotonic() > until:
                    raise
                time.sleep(POLL_S)

    def _consumer(self, group: str) -> Consumer:
        return Consumer({"bootstrap.servers": self._servers, "group.id": group})

    def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        listed = self._client.list_topics(timeout=10).topics
        return [TopicPartition(topic, number) for topic in topics for number in listed[topic].partitions]


def rates_until(name: str, target: int, count: Count, *others: Count, warm_up: float = WARM_UP) -> list[float]:
    """Growth per second of `count` and of the other counts, from the share `warm_up` of `target` to `target`.

    Raises Stalled, which contains `name`, when the count does not grow for STALL_S.
    """
    start, first = time.perf_counter(), [0] * (1 + len(others))
    warmed_up = False
    last, grown_at = 0, start
    while (counted := count()) < target:
        now = time.perf_counter()
        if counted > last:
            last, grown_at = counted, now
        elif now - grown_at > STALL_S:
            raise Stalled(
                f"{name} has stayed at {counted} of {target} records for {STALL_S} s: "
                "`depthflow status` shows the job, `depthflow logs jobmanager` the reason"
            )
        if not warmed_up and counted >= warm_up * target:
            warmed_up, start, first = True, now, _counts(counted, others)
        time.sleep(POLL_S)
    end = time.perf_counter()
    return [(after - before) / (end - start) for before, after in zip(first, _counts(counted, others), strict=True)]


def _counts(counted: int, others: Sequence[Count]) -> list[int]:
    return [counted, *(count() for count in others)]
