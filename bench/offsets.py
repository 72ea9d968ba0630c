"""How many records a topic has taken: the one clock that the job and the bare loop share."""

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, TopicPartition

from market.errors import UserError


class Standstill(UserError):
    """What is measured has stopped before it was done."""


class Counter:
    """Counts the records that topics have taken, by their end offsets; transaction marks count as records.

    An end offset is the last stable one: what lies in a transaction counts when that is committed.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self._client = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "depthflow-bench"})

    def count(self, topics: Iterable[str]) -> int:
        """Sum of the end offsets over all partitions."""
        known = self._client.list_topics(timeout=10).topics
        places = [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
        return sum(self._client.get_watermark_offsets(place, timeout=10)[1] for place in places)

    def rate_until(self, topic: str, wanted: int, warm_up: float = 0.2, patience_s: float = 120) -> float:
        """Records per second on `topic` between the first `warm_up` share of `wanted` and all of it.

        Raises Standstill when the count stands still for `patience_s`.
        """
        started: tuple[float, int] | None = None
        last, moved = 0, time.perf_counter()
        while (taken := self.count([topic])) < wanted:
            now = time.perf_counter()
            if taken > last:
                last, moved = taken, now
            elif now - moved > patience_s:
                raise Standstill(
                    f"{topic} stands at {taken} of {wanted} records for {patience_s:.0f} s: "
                    "`depthflow status` shows the job, `depthflow logs jobmanager` why"
                )
            if started is None and taken >= warm_up * wanted:
                started = (now, taken)
            time.sleep(0.05)
        begin, already = started or (moved, 0)
        return (taken - already) / (time.perf_counter() - begin)
