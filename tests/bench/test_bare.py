"""The baseline publishes the lines that the operator of the books job emits for the same batches."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec
from pyflink.common import Row

from bench.bare import BareLoop, books
from jobs.operators import BuilderOperator
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.fakes import FakeContext

KEY = "binance:BTCUSDT"
BATCH = 50
Lines = defaultdict[str, list[bytes]]  # by topic


@dataclass(frozen=True)
class FakeMessage:
    """A record as the Kafka client returns it."""

    number: int
    data: bytes

    def topic(self) -> str:
        return "orderbook.raw"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.number

    def value(self) -> bytes:
        return self.data


def batches() -> Iterator[list[FakeMessage]]:
    """Frames of three seconds with gaps, and one that is not JSON."""
    plan = Plan((instrument("binance", "BTCUSDT"),), gaps_per_1000=5, rate=100)
    values = [msgspec.json.encode(envelope) for envelope in islice(Generator(plan), 400)]
    messages = [FakeMessage(number, value) for number, value in enumerate([*values, b"{"])]
    return (messages[first : first + BATCH] for first in range(0, len(messages), BATCH))


def test_the_lines_of_every_topic_are_those_of_the_job() -> None:
    published, emitted, context = Lines(list), Lines(list), FakeContext()
    loop = BareLoop(books(), lambda topic, key, line: published[topic.name].append(line))
    operator = BuilderOperator(books(), 1024**2, "")
    operator.open(context)
    context.key = KEY
    for batch in batches():
        loop.apply(KEY, batch)
        row = Row("orderbook.raw", 0, [message.data for message in batch], [message.number for message in batch])
        for topic, _, lines in operator.process_element(row, context):
            emitted[topic] += lines
    assert published == emitted
    assert {"orderbook.processed", "orderbook.ticks", "orderbook.windows", "deadletter"} <= set(published)


def test_output_that_is_due_by_time_is_published() -> None:
    published = Lines(list)
    loop = BareLoop(books(), lambda topic, key, line: published[topic.name].append(line))
    for batch in batches():
        loop.apply(KEY, batch)
    before = len(published["orderbook.ticks"])
    for now_ms in range(0, 60_000, 500):
        loop.poll(now_ms)
    assert len(published["orderbook.ticks"]) > before
