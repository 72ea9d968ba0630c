"""Baseline for the books job: consume, compute and produce with the same domain code, without state or recovery."""

import sys
from collections import defaultdict

from confluent_kafka import Consumer, Producer

from bench.load import produce
from core.topics import BOOKS, PROCESSED, RAW_BOOKS, RAW_TRADES, TRADES
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from market.reject_all import RejectAll
from venues.registry import open_builder


def main(bootstrap_servers: str, source: str, sink: str, count: int) -> None:
    """Process `count` records of the raw topics with prefix `source` into topics with prefix `sink`."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": f"{sink}bare", "auto.offset.reset": "earliest"}
    )
    producer = Producer({"bootstrap.servers": bootstrap_servers, "compression.type": "lz4", "linger.ms": 5})
    consumer.subscribe([source + RAW_BOOKS.name, source + RAW_TRADES.name])
    builders: dict[str, BookBuilder | RejectAll[Batch]] = {}
    while count:
        messages = consumer.consume(1000, timeout=0.05)
        count -= len(messages)
        batches: defaultdict[str, list[bytes]] = defaultdict(list)
        for message in messages:
            batches[(message.key() or b"").decode()].append(message.value() or b"")
        for key, values in batches.items():
            builder = builders.get(key) or builders.setdefault(key, open_builder(key, BookConfig()))
            publish(producer, sink, key, builder.apply_all(values))
        producer.poll(0)
    producer.flush()


def publish(producer: Producer, prefix: str, key: str, batch: Batch) -> None:
    """Publish the records that the job publishes for a batch."""
    for topic, lines in ((PROCESSED, batch.processed), (TRADES, batch.trades), (BOOKS, filter(None, [batch.book]))):
        for line in lines:
            produce(producer, prefix + topic.name, key, line)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
