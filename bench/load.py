"""Fills topics with generated frames, or with what the books job says of them, as fast as the broker takes them."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec
from confluent_kafka import Producer

from ingestion.generator import Generator, Plan
from ingestion.generator.instruments import instrument
from ingestion.generator.market import Shape
from ingestion.routing import route
from jobs.outputs import book_lines
from market.config import KeeperConfig
from market.keeper import open_keeper
from market.topics import Topic, record_key

Headers = list[tuple[str, str | bytes | None]]
BATCH_FRAMES = 5  # of each book: what the books job gathers in 50 ms of a book that changes a hundred times a second
COPIES = 10  # the domain takes longer to say a record than the job that is measured takes to read it
encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Said:
    """What the books job says of one batch of one book on one topic."""

    topic: Topic
    symbol: str
    key: str
    lines: list[bytes]

    def headers(self) -> Headers:
        """As sql/inserts/lines.sql has them: the event times of the first line and of the last."""
        times = (msgspec.json.decode(line)["event_time"] for line in (self.lines[0], self.lines[-1]))
        return [(name, b"%d" % time) for name, time in zip(("since", "until"), times, strict=True)]


def plan(venue: str, symbols: int, touched: int) -> Plan:
    """Frames of `touched` levels each, in books of 200 levels a side; every hundredth step trades."""
    names = [f"COIN{number}" for number in range(symbols)]
    shape = Shape(levels=200, touched=touched, trade_chance=0.01)
    return Plan(tuple(instrument(venue, name) for name in names), shape=shape, rate=100.0)


def producer(bootstrap_servers: str, linger_ms: int = 20) -> Producer:
    """One that spreads keys over partitions as forwarders and Flink do."""
    options = {"compression.type": "lz4", "linger.ms": linger_ms, "partitioner": "murmur2_random"}
    return Producer({"bootstrap.servers": bootstrap_servers} | options)


def fill(bootstrap_servers: str, prefix: str, frames: Plan, count: int) -> None:
    """Put `count` envelopes on the raw topics of `prefix`, and wait until the broker has them all."""
    to = producer(bootstrap_servers)
    for sent, envelope in enumerate(islice(Generator(frames), count)):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        produce(to, prefix + topic, key, encode(envelope))
        if not sent % 1000:
            to.poll(0)
    to.flush()


def fill_said(bootstrap_servers: str, prefix: str, topics: Container[Topic], frames: Plan, count: int) -> None:
    """Put what the books job says of `count / COPIES` envelopes on those topics, and wait until the broker has it all.

    Every book is told under COPIES names: to whoever reads, books of their own.
    """
    to = producer(bootstrap_servers)
    for batch in said(frames, count // COPIES):
        if batch.topic not in topics:
            continue
        headers, old = batch.headers(), f'"symbol":"{batch.symbol}"'.encode()
        for copy in range(COPIES):
            new = f'"symbol":"{batch.symbol}{copy}"'.encode()
            for line in batch.lines:
                produce(to, prefix + batch.topic.name, f"{batch.key}{copy}", line.replace(old, new, 1), headers)
        to.poll(0)
    to.flush()


def said(frames: Plan, count: int) -> Iterator[Said]:
    """Batch after batch of the books job over `count` envelopes, in the order of market time."""
    keepers = {}
    envelopes = islice(Generator(frames), count)
    while together := list(islice(envelopes, BATCH_FRAMES * len(frames.instruments))):
        values: dict[tuple[str, str], list[bytes]] = {}
        for each in together:
            values.setdefault((each.venue, each.symbol), []).append(encode(each))
        for (venue, symbol), mine in values.items():
            key = record_key(venue, symbol)
            if key not in keepers:
                keepers[key] = open_keeper(key, KeeperConfig())
            batch = keepers[key].apply_all(mine)
            yield from (Said(topic, symbol, key, list(lines)) for topic, lines in book_lines(batch) if lines)


def produce(producer: Producer, topic: str, key: str, value: bytes, headers: Headers | None = None) -> None:
    """Queue one record; waits while the queue is full."""
    while True:
        try:
            return producer.produce(topic, value, key, headers=headers)
        except BufferError:
            producer.poll(0.05)
