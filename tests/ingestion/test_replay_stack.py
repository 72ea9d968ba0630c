"""Topics, producer and replay against a real broker."""

from collections import defaultdict
from itertools import islice
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, TopicPartition

from core.records import Envelope
from core.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES
from ingestion.producer import DeliveryError, ProducerConfig, RawProducer
from ingestion.replay import send_all
from ingestion.topics import Difference, ensure_topics
from simulator.frame_generator import Generator, Plan
from tests.conftest import Stack
from tests.ingestion.builders import encode
from venues.stamping import Stamper

TOPICS = (RAW_BOOKS, RAW_TRADES, RAW_OPTIONS)
LARGE = 10 * 1024 * 1024


@pytest.fixture
def prefix(stack: Stack) -> str:
    """Prefix of raw topics that belong to this test."""
    name = f"{uuid4().hex[:8]}-"
    assert ensure_topics(stack.kafka, 3, TOPICS, name).created == tuple(name + topic.name for topic in TOPICS)
    return name


def records(stack: Stack, topic: str) -> dict[bytes, list[bytes]]:
    """Every record of a topic, by key, in order."""
    with KafkaConsumer(
        bootstrap_servers=stack.kafka, max_partition_fetch_bytes=2 * LARGE, fetch_max_bytes=4 * LARGE
    ) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(3)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        values = defaultdict[bytes, list[bytes]](list)
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(1000).values():
                for record in batch:
                    values[record.key].append(record.value)
        return values


def by_key(envelopes: list[Envelope]) -> dict[bytes, list[bytes]]:
    values = defaultdict[bytes, list[bytes]](list)
    for envelope in envelopes:
        values[f"{envelope.venue}:{envelope.symbol}".encode()].append(encode(envelope))
    return values


def test_a_producer_knows_the_topics_that_it_learned_and_not_others(stack: Stack, prefix: str) -> None:
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    assert not producer.knows(RAW_BOOKS.name)
    producer.learn([RAW_BOOKS.name])
    assert producer.knows(RAW_BOOKS.name) and not producer.knows(RAW_TRADES.name)
    producer.close()


def test_replayed_records_arrive_byte_for_byte_in_order_per_key(stack: Stack, prefix: str) -> None:
    envelopes = list(islice(Generator(Plan()), 2000))
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    result = send_all(envelopes, producer)
    producer.close()
    trades = [e for e in envelopes if "rade" in e.channel]
    assert result.counts == {prefix + "trades.raw": len(trades), prefix + "orderbook.raw": 2000 - len(trades)}
    assert records(stack, prefix + "trades.raw") == by_key(trades)
    assert records(stack, prefix + "orderbook.raw") == by_key([e for e in envelopes if "rade" not in e.channel])


def test_a_frame_of_ten_megabytes_is_accepted(stack: Stack, prefix: str) -> None:
    huge = Stamper("binance", "c").stamp("depth", "A", 1, b'"' + b"x" * LARGE + b'"')
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    producer.send(huge)
    producer.close()
    assert records(stack, prefix + "orderbook.raw") == by_key([huge])


def test_a_record_above_the_size_limit_raises(stack: Stack, prefix: str) -> None:
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    with pytest.raises(DeliveryError, match="orderbook.raw binance:A: not queued: .*larger than"):
        producer.send(Stamper("binance", "c").stamp("depth", "A", 1, b'"' + b"x" * (17 * 1024 * 1024) + b'"'))
    producer.close()


def test_topics_are_created_once_and_compared_after(stack: Stack, prefix: str) -> None:
    assert ensure_topics(stack.kafka, 3, TOPICS, prefix) == ensure_topics(stack.kafka, 3, TOPICS, prefix)
    report = ensure_topics(stack.kafka, 5, (RAW_BOOKS,), prefix)
    assert report.created == ()
    assert report.differences == (Difference(prefix + "orderbook.raw", "partitions", "5", "3"),)
