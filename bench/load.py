"""Fills topics with generated frames, or with the books job's output for them, as fast as the broker accepts them."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec
from confluent_kafka import Producer

from core.topics import MAX_RECORD_BYTES, PROCESSED, Topic, record_key
from jobs.output_lines import book_lines
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from simulator.generator.market import MarketShape
from simulator.registry import instrument
from venues.registry import open_builder
from venues.routing import route

BOOK_LEVELS = 200
BATCH_FRAMES = 2  # per book: a book that changes a hundred times a second gives two frames per batch of 20 ms
COPIES = 10  # computing a record takes longer than the measured job takes to read it, so each record is sent ten times
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class OutputBatch:
    """Output of the books job for one batch of one book on one topic."""

    topic: Topic
    symbol: str
    key: str
    lines: list[bytes]


def plan(
    venue: str, symbols: int, levels: int, rate: float = 100.0, first: int = 0, book_levels: int = BOOK_LEVELS
) -> Plan:
    """Frames of `levels` levels each, `rate` a second and book; one step in a hundred is a trade.

    `first`: number of the first symbol. `book_levels`: levels of a side of a book.
    """
    names = [f"COIN{number}" for number in range(first, first + symbols)]
    shape = MarketShape(levels=book_levels, touched=levels, trade_chance=0.01)
    return Plan(tuple(instrument(venue, name) for name in names), shape=shape, rate=rate)


def open_producer(bootstrap_servers: str, linger_ms: int = 20) -> Producer:
    """A producer that spreads keys over partitions as forwarders and Flink do, and keeps order when it retries."""
    options = {"compression.type": "lz4", "linger.ms": linger_ms, "partitioner": "murmur2_random"}
    options |= {"enable.idempotence": True, "message.max.bytes": MAX_RECORD_BYTES}
    return Producer({"bootstrap.servers": bootstrap_servers} | options)


def fill_raw(bootstrap_servers: str, prefixes: Sequence[str], frames: Plan, count: int) -> None:
    """Publish the same `count` envelopes to the raw topics of each prefix, and wait until all are acknowledged."""
    producer = open_producer(bootstrap_servers)
    for sent, envelope in enumerate(islice(Generator(frames), count)):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        value = encode(envelope)
        for prefix in prefixes:
            produce(producer, prefix + topic, key, value)
        if not sent % 1000:
            producer.poll(0)
    producer.flush()


def fill_outputs(bootstrap_servers: str, prefix: str, topics: Container[Topic], frames: Plan, count: int) -> int:
    """Publish the books job's output for `count / COPIES` envelopes to `topics`, and wait until all is acknowledged.

    Every book is published under COPIES symbols, which are different books to the consumers. Returns the number of
    processed records that the output stands for.
    """
    producer, processed = open_producer(bootstrap_servers), 0
    for batch in output_batches(frames, count // COPIES):
        if batch.topic == PROCESSED:
            processed += COPIES * len(batch.lines)
        if batch.topic not in topics:
            continue
        old = f'"symbol":"{batch.symbol}"'.encode()
        for copy in range(COPIES):
            new = f'"symbol":"{batch.symbol}{copy}"'.encode()
            for line in batch.lines:
                produce(producer, prefix + batch.topic.name, f"{batch.key}{copy}", line.replace(old, new))
        producer.poll(0)
    producer.flush()
    return processed


def output_batches(frames: Plan, count: int) -> Iterator[OutputBatch]:
    """Output batches of the books job for `count` envelopes, in the order of market time."""
    builders = {}
    envelopes = islice(Generator(frames), count)
    while chunk := list(islice(envelopes, BATCH_FRAMES * len(frames.instruments))):
        values: dict[tuple[str, str], list[bytes]] = {}
        for envelope in chunk:
            values.setdefault((envelope.venue, envelope.symbol), []).append(encode(envelope))
        for (venue, symbol), frames_of_book in values.items():
            key = record_key(venue, symbol)
            if key not in builders:
                builders[key] = open_builder(key, BookConfig())
            batch = builders[key].apply_all(frames_of_book)
            yield from (OutputBatch(topic, symbol, key, list(lines)) for topic, lines in book_lines(batch) if lines)


def produce(producer: Producer, topic: str, key: str, value: bytes) -> None:
    """Queue one record; waits while the queue is full."""
    while True:
        try:
            return producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.05)
