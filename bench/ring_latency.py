"""The way of a book from Kafka into shared memory, beside a bare consumer of the same topic."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from statistics import quantiles
from threading import Event, Thread

import msgspec
from confluent_kafka import Consumer, TopicPartition

from bench.children import end_with_parent
from bench.forward_pipelines import topics
from bench.load import open_producer, produce
from core.errors import UserError
from core.records import TopOfBook
from core.settings import Settings
from core.topics import BOOKS, STATUS, TICKS, TRADES
from ring.segment import RingError, path_of
from ring.view import Ring

LEVELS = 20
SYMBOLS = 10
WARM_UP_S = 2
START_S = 30
POLL_S = 0.002


class Update(msgspec.Struct):
    """The part of a book that identifies it."""

    update_id: int


decode_update = msgspec.json.Decoder(Update).decode


@contextmanager
def running_ring(settings: Settings, prefix: str) -> Iterator[str]:
    """`depthflow ring` over the topics with this prefix; yields the name of its segment."""
    name = f"bench-{os.getpid()}"
    environment = os.environ | settings.environment() | {"TOPIC_PREFIX": prefix}
    with subprocess.Popen(
        [sys.executable, "-m", "stack", "ring", "--name", name, "--metrics-addr", ""],
        env=environment,
        preexec_fn=end_with_parent,
    ) as process:
        try:
            yield name
        finally:
            process.terminate()


def opened(name: str) -> Ring:
    """The ring of this name, once it has the books of all symbols. Raises UserError."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        with suppress(RingError):
            ring = Ring(path_of(name))
            if len(ring.keys()) == SYMBOLS:
                return ring
        time.sleep(0.1)
    raise UserError(f"the ring has no books after {START_S} s: see its log above")


@contextmanager
def bare_consumer(settings: Settings, topic: str) -> Iterator[dict[int, int]]:
    """librdkafka's consumer on the same topic: monotonic time (ns) at which it had each update id."""
    arrived: dict[int, int] = {}
    ended = Event()
    options = {"enable.auto.commit": False, "fetch.wait.max.ms": 100, "group.id": topic}
    consumer = Consumer(options | {"bootstrap.servers": settings.kafka_bootstrap_servers})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(settings.topic_partitions)])

    def consume() -> None:
        while not ended.is_set():
            message = consumer.poll(0.1)
            if message is not None and not message.error():
                arrived[decode_update(message.value() or b"").update_id] = time.monotonic_ns()

    thread = Thread(target=consume)
    thread.start()
    try:
        yield arrived
    finally:
        ended.set()
        thread.join()
        consumer.close()


@dataclass(frozen=True)
class Latencies:
    """Milliseconds from the send of each book to its place in shared memory, and to the bare consumer."""

    ring_ms: list[float]
    bare_ms: list[float]

    def results(self) -> dict[str, float]:
        """Percentiles of both. The difference for the same book is the time that the ring adds to a bare consumer."""
        added = [ring - bare for ring, bare in zip(self.ring_ms, self.bare_ms, strict=True)]
        kinds = {"kafka": self.ring_ms, "bare": self.bare_ms, "added": added}
        cuts = {name: quantiles(values, n=100) for name, values in kinds.items()}
        return {f"{name}_p{percent}_ms": cuts[name][percent - 1] for name in kinds for percent in (50, 99)}


def kafka_latencies(settings: Settings, per_s: int, seconds: int) -> Latencies:
    """Send books, and note when the ring and the bare consumer have each."""
    keys = [f"binance:COIN{number}" for number in range(SYMBOLS)]
    levels = [(100.0 + number, 1.0) for number in range(LEVELS)]
    producer = open_producer(settings.kafka_bootstrap_servers, linger_ms=0)
    sent: list[int] = []
    written: dict[int, int] = {}
    with topics(settings, (BOOKS, TRADES, TICKS, STATUS)) as prefix, running_ring(settings, prefix) as name:

        def send() -> None:
            number, now = len(sent), time.monotonic_ns()
            sent.append(now)
            book = TopOfBook("binance", "COIN", number, now // 1000, number, levels, levels)
            produce(producer, prefix + BOOKS.name, keys[number % SYMBOLS], msgspec.json.encode(book))
            producer.poll(0)

        for _ in keys:
            send()
        ring = opened(name)
        slots, began = [ring[key] for key in keys], time.monotonic()
        with bare_consumer(settings, prefix + BOOKS.name) as arrived:
            while (now := time.monotonic()) < began + WARM_UP_S + seconds:
                while len(sent) < (now - began) * per_s:
                    send()
                for book in filter(None, (slot.book() for slot in slots)):
                    written.setdefault(book.update_id, book.written_ns)
                time.sleep(POLL_S)
            producer.flush()
    warm = [number for number in written if number > WARM_UP_S * per_s and number in arrived]
    return Latencies(
        [(written[number] - sent[number]) / 1e6 for number in warm],
        [(arrived[number] - sent[number]) / 1e6 for number in warm],
    )
