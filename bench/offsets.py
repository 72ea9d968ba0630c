"""How many records a topic has taken or a job has worked off: the one clock that whatever is measured shares."""

import time
from collections.abc import Callable, Iterable, Sequence

from confluent_kafka import Consumer, TopicPartition

from market.errors import UserError

Count = Callable[[], int]
WARM_UP = 0.2  # share of what is worked off before the rate is taken
PATIENCE_S = 120
LOOK_S = 0.25  # each look asks the broker, on the cores that are measured


class Standstill(UserError):
    """What is measured has stopped before it was done."""


class Counter:
    """Counts the records that topics have taken, by their end offsets; transaction marks count as records.

    An end offset is the last stable one: what lies in a transaction counts when that is committed.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._servers = bootstrap_servers
        self._client = self._consumer("depthflow-bench")

    def count(self, topics: Iterable[str]) -> int:
        """Sum of the end offsets over all partitions."""
        return sum(self._client.get_watermark_offsets(place, timeout=10)[1] for place in self._places(topics))

    def worked_off(self, group: str, topics: Iterable[str]) -> Count:
        """What counts the records up to which a Flink job has come, by what its group has committed.

        It commits when a checkpoint is complete: every operator is past those records, every sink has written.
        """
        client, places = self._consumer(group), self._places(topics)
        return lambda: sum(max(place.offset, 0) for place in client.committed(places, timeout=10))

    def rate_until(self, topic: str, wanted: int) -> float:
        """Records per second on `topic` until it has `wanted`, as `rates_until` says."""
        return rates_until(topic, wanted, lambda: self.count([topic]))[0]

    def _consumer(self, group: str) -> Consumer:
        return Consumer({"bootstrap.servers": self._servers, "group.id": group})

    def _places(self, topics: Iterable[str]) -> list[TopicPartition]:
        known = self._client.list_topics(timeout=10).topics
        return [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]


def rates_until(what: str, wanted: int, count: Count, *beside: Count, warm_up: float = WARM_UP) -> list[float]:
    """Growth per second of `count`, and of what is counted beside it, from the first `warm_up` share of `wanted` on.

    Raises Standstill, which names `what`, when the count stands still for PATIENCE_S.
    """
    began, first = time.perf_counter(), [0] * (1 + len(beside))
    started = False
    last, moved = 0, began
    while (taken := count()) < wanted:
        now = time.perf_counter()
        if taken > last:
            last, moved = taken, now
        elif now - moved > PATIENCE_S:
            raise Standstill(
                f"{what} stands at {taken} of {wanted} records for {PATIENCE_S} s: "
                "`depthflow status` shows the job, `depthflow logs jobmanager` why"
            )
        if not started and taken >= warm_up * wanted:
            started, began, first = True, now, _all(taken, beside)
        time.sleep(LOOK_S)
    ended = time.perf_counter()
    return [(late - early) / (ended - began) for early, late in zip(first, _all(taken, beside), strict=True)]


def _all(taken: int, beside: Sequence[Count]) -> list[int]:
    return [taken, *(count() for count in beside)]
