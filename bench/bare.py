"""Baseline for the books job: consume, compute and produce with the same domain code, without state or recovery.

It publishes the lines that the job publishes for the same batches, on all of the job's topics.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, Message, Producer

from bench.load import produce
from core import topics
from core.topics import Topic
from jobs import builder_specs
from jobs.builder_specs import Builder, BuilderSpec
from jobs.output_lines import OutputLines, dead_letter
from market.orderbook.book_config import BookConfig
from market.orderbook.quiet_clock import QuietClocks

MESSAGES = 1_000  # records of one fetch, which become one batch for each key
STALE_AFTER_MS = 30_000
Publish = Callable[[Topic, str, bytes], None]  # topic, key, line


class BareLoop:
    """A builder for each key, in memory only."""

    def __init__(self, spec: BuilderSpec, publish: Publish) -> None:
        self._spec = spec
        self._publish = publish
        self._builders: dict[str, Builder] = {}
        self._clocks: defaultdict[str, QuietClocks] = defaultdict(QuietClocks)
        self._next_poll_ms = 0

    def apply(self, key: str, messages: Sequence[Message]) -> None:
        """Apply the records of a key in order, and publish their output."""
        builder = self._builders.get(key)
        if builder is None:
            builder = self._builders[key] = self._spec.open(key, ())
        batch = builder.apply_all([message.value() for message in messages])
        self._publish_all(key, self._spec.lines(batch))
        for reject in batch.rejects:
            message = messages[reject.index]
            place = message.topic() or "", message.partition() or 0, message.offset() or 0
            self._publish(topics.DEAD_LETTERS, key, dead_letter(reject, *place, message.value()))

    def poll(self, now_ms: int) -> None:
        """Publish the output that is due by time, as the job's timers do. `now_ms`: epoch ms."""
        polling = self._spec.polling
        if polling is None or now_ms < self._next_poll_ms:
            return
        self._next_poll_ms = now_ms + polling.every_ms
        for key, builder in self._builders.items():
            if polling.needs_timer(builder):
                self._publish_all(key, polling.poll(builder, now_ms, self._clocks[key]))

    def _publish_all(self, key: str, output: OutputLines) -> None:
        for topic, lines in output:
            for line in lines:
                self._publish(topic, key, line)


def books() -> BuilderSpec:
    """The builders of the books job with default settings."""
    return builder_specs.books(BookConfig(), STALE_AFTER_MS)


def main(bootstrap_servers: str, source: str, sink: str, count: int) -> None:
    """Process `count` records of the raw topics with prefix `source` into topics with prefix `sink`."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": f"{sink}bare", "auto.offset.reset": "earliest"}
    )
    producer = Producer({"bootstrap.servers": bootstrap_servers, "compression.type": "lz4", "linger.ms": 5})
    spec = books()
    consumer.subscribe([source + topic.name for topic in spec.input_topics])
    loop = BareLoop(spec, lambda topic, key, line: produce(producer, sink + topic.name, key, line))
    while count > 0:
        messages = consumer.consume(MESSAGES, timeout=0.05)
        count -= len(messages)
        batches: defaultdict[str, list[Message]] = defaultdict(list)
        for message in messages:
            batches[(message.key() or b"").decode()].append(message)
        for key, batch in batches.items():
            loop.apply(key, batch)
        loop.poll(int(time.time() * 1000))
        producer.poll(0)
    producer.flush()
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
