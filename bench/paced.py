"""Sends generated frames at a given rate, and waits until the books job has processed them."""

import time
from collections.abc import Sequence
from itertools import islice

from bench.load import encode, open_producer, produce
from bench.offsets import STALL_S, Counter, Stalled
from core.settings import Settings
from core.topics import RAW_BOOKS, RAW_TRADES
from simulator.frame_generator import Generator, Plan
from venues.routing import route

POLL_S = 0.25
SLICE_S = 0.005
LINGER_MS = 2
Frame = tuple[str, str, bytes]  # topic without the prefix, key, envelope


def generate(plan: Plan, count: int) -> list[Frame]:
    """The first `count` envelopes of the plan, in memory: making one takes longer than the job takes to read it."""
    return [(*route(each.venue, each.channel, each.symbol), encode(each)) for each in islice(Generator(plan), count)]


def send_paced(settings: Settings, frames: Sequence[Frame], per_s: int) -> float:
    """Send `per_s` frames a second, and wait until all are acknowledged. Returns the rate reached.

    The frames of SLICE_S are sent at once: sent one by one, 10,000 frames/s took half a core here and half a core of
    the broker, which the measured job then lacked.
    """
    producer, prefix = open_producer(settings.kafka_bootstrap_servers, linger_ms=LINGER_MS), settings.topic_prefix
    size = max(1, round(per_s * SLICE_S))
    start = time.perf_counter()
    for first in range(0, len(frames), size):
        time.sleep(max(0.0, start + first / per_s - time.perf_counter()))
        for topic, key, value in frames[first : first + size]:
            produce(producer, prefix + topic, key, value)
        producer.poll(0)
    seconds = time.perf_counter() - start
    producer.flush()
    return len(frames) / seconds


def wait_until_processed(settings: Settings) -> None:
    """Wait until a checkpoint covers every raw record. Raises Stalled when the job stands still."""
    counter, prefix = Counter(settings.kafka_bootstrap_servers), settings.topic_prefix
    raw = [prefix + RAW_BOOKS.name, prefix + RAW_TRADES.name]
    total, processed = counter.count(raw), counter.processed_by(f"{prefix}depthflow-books", raw)
    last, grown_at = -1, time.perf_counter()
    while (count := processed()) < total:
        now = time.perf_counter()
        if count > last:
            last, grown_at = count, now
        elif now - grown_at > STALL_S:
            raise Stalled(f"the books job has stayed at {count} of {total} records for {STALL_S} s")
        time.sleep(POLL_S)
