"""Fills raw topics with generated frames, as fast as the broker takes them."""

from itertools import islice

import msgspec
from confluent_kafka import Producer

from ingestion.generator import Generator, Plan
from ingestion.generator.instruments import instrument
from ingestion.generator.market import Shape
from ingestion.routing import route


def plan(venue: str, symbols: int, touched: int) -> Plan:
    """Frames of `touched` levels each, in books of 200 levels a side; every hundredth step trades."""
    names = [f"COIN{number}" for number in range(symbols)]
    shape = Shape(levels=200, touched=touched, trade_chance=0.01)
    return Plan(tuple(instrument(venue, name) for name in names), shape=shape, rate=100.0)


def fill(bootstrap_servers: str, prefix: str, frames: Plan, count: int) -> None:
    """Put `count` envelopes on the raw topics of `prefix`, and wait until the broker has them all."""
    options = {"compression.type": "lz4", "linger.ms": 20, "partitioner": "murmur2_random"}  # as forwarders and Flink
    producer = Producer({"bootstrap.servers": bootstrap_servers} | options)
    encode = msgspec.json.Encoder().encode
    for sent, envelope in enumerate(islice(Generator(frames), count)):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        produce(producer, prefix + topic, key, encode(envelope))
        if not sent % 1000:
            producer.poll(0)
    producer.flush()


def produce(producer: Producer, topic: str, key: str, value: bytes) -> None:
    """Queue one record; waits while the queue is full."""
    while True:
        try:
            return producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.05)
