"""Age of a book when a Redis subscriber receives it: raw topic, books job, cache job, channel."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from statistics import quantiles
from threading import Event

import msgspec
from redis import Redis

from bench.load import COPIES, encode, open_producer, produce
from core.records import Envelope
from core.settings import Settings
from market.orderbook.cache_messages import channel_names
from simulator.frame_generator import Generator, Plan
from venues.routing import route

VENUE = "binance"
PER_S = 2_000
WARM_UP_S, MEASURED_S = 20, 10  # until the JVM has compiled both jobs

UpdateKey = tuple[str, int]  # symbol and event time of one update
Times = dict[UpdateKey, float]  # epoch seconds


class DepthUpdate(msgspec.Struct):
    """The event time of a Binance depth update."""

    E: int


class CombinedFrame(msgspec.Struct):
    data: DepthUpdate


class DepthEnvelope(msgspec.Struct):
    """An envelope with a depth update, of which only the event time is decoded."""

    frame: CombinedFrame


class BookMessage(msgspec.Struct):
    """Symbol and event time (epoch ms) of a message on a book's channel."""

    symbol: str
    timestamp: int


def publish_p99_ms(settings: Settings, books: Plan) -> float:
    """99th percentile of the time from a frame's receive stamp to the message with its book, at PER_S frames/s.

    A batch of the books job publishes only its newest book, so the other frames are not in the sample.
    """
    frames = list(islice(Generator(books), PER_S * (WARM_UP_S + MEASURED_S)))
    done = Event()
    with ThreadPoolExecutor(1) as pool, Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        receiving = pool.submit(receive, redis, done)
        try:
            sent = send(settings, frames)
        finally:
            done.set()
        received = receiving.result()
    begin = min(sent.values()) + WARM_UP_S
    latencies_ms = [1000 * (at - sent[update]) for update, at in received.items() if sent.get(update, 0) >= begin]
    return quantiles(latencies_ms, n=100)[98]


def send(settings: Settings, frames: Iterable[Envelope]) -> Times:
    """Publish the frames to the raw topics, PER_S a second, stamped when they are sent; returns the send times."""
    producer, sent = open_producer(settings.kafka_bootstrap_servers, linger_ms=5), Times()
    start = time.time()
    for number, frame in enumerate(frames):
        while (now := time.time()) < start + number / PER_S:
            producer.poll(0.001)
        topic, key = route(frame.venue, frame.channel, frame.symbol)
        value = encode(msgspec.structs.replace(frame, recv_us=int(now * 1e6)))
        produce(producer, settings.topic_prefix + topic, key, value)
        if frame.channel.startswith("depth"):
            sent[frame.symbol, msgspec.json.decode(value, type=DepthEnvelope).frame.data.E] = now
    producer.flush()
    return sent


def receive(redis: Redis, done: Event) -> Times:
    """Receive time of each book update, until no message has come for a second after `done`."""
    received = Times()
    with redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
        channel.psubscribe(f"orderbook:{VENUE}:*")
        while (message := channel.get_message(timeout=1)) or not done.is_set():
            if message:
                update = msgspec.json.decode(message["data"], type=BookMessage)
                received[update.symbol, update.timestamp] = time.time()
    return received


@contextmanager
def temporary_cache_keys(settings: Settings, books: Plan) -> Iterator[None]:
    """Delete the cached books of this load, under all their symbols, at the end of the block."""
    try:
        yield
    finally:
        symbols = (f"{each.symbol}{copy}" for each in books.instruments for copy in ("", *range(COPIES)))
        keys = [
            name
            for symbol in symbols
            for name in channel_names("orderbook", f"{VENUE}:{symbol}", settings.cache_default_venue)
        ]
        with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            redis.delete(*(f"{key}:latest" for key in keys))
