"""How old a book is when whoever listens to Redis hears of it: raw topic, books job, cache job, channel."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from statistics import quantiles
from threading import Event

import msgspec
from redis import Redis

from bench.load import COPIES, encode, produce, producer
from ingestion.generator import Generator, Plan
from ingestion.routing import route
from market.cached import names
from market.records import Envelope
from market.settings import Settings

VENUE = "binance"
PER_S = 2_000
WARM_UP_S, MEASURED_S = 5, 10

Moment = tuple[str, int]  # symbol and event time of one update
Times = dict[Moment, float]  # epoch seconds


class Timed(msgspec.Struct):
    """The event time of a frame."""

    E: int


class Frame(msgspec.Struct):
    data: Timed


class Sent(msgspec.Struct):
    """An envelope, as far as its frame's time."""

    frame: Frame


class Message(msgspec.Struct):
    """What a message on a book's channel says of the update that it comes from."""

    symbol: str
    timestamp: int


def publish_p99_ms(settings: Settings, books: Plan) -> float:
    """99th percentile of the time from a frame's receive stamp to the message with its book, at PER_S frames a second.

    A batch of the books job publishes its newest book: the other frames are not in the sample.
    """
    frames = list(islice(Generator(books), PER_S * (WARM_UP_S + MEASURED_S)))
    done = Event()
    with ThreadPoolExecutor(1) as listening, Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        heard = listening.submit(listen, redis, done)
        try:
            sent = send(settings, frames)
        finally:
            done.set()
        arrived = heard.result()
    begin = min(sent.values()) + WARM_UP_S
    taken = [1000 * (at - sent[moment]) for moment, at in arrived.items() if sent.get(moment, 0) >= begin]
    return quantiles(taken, n=100)[98]


def send(settings: Settings, frames: Iterable[Envelope]) -> Times:
    """Put the frames on the raw topics at their pace, stamped as they leave; when that was."""
    to, sent = producer(settings.kafka_bootstrap_servers, linger_ms=5), Times()
    start = time.time()
    for number, frame in enumerate(frames):
        while (now := time.time()) < start + number / PER_S:
            to.poll(0.001)
        topic, key = route(frame.venue, frame.channel, frame.symbol)
        value = encode(msgspec.structs.replace(frame, recv_us=int(now * 1e6)))
        produce(to, settings.topic_prefix + topic, key, value)
        if frame.channel.startswith("depth"):
            sent[frame.symbol, msgspec.json.decode(value, type=Sent).frame.data.E] = now
    to.flush()
    return sent


def listen(redis: Redis, done: Event) -> Times:
    """When each update of a book was heard of, until a second after all is sent."""
    heard = Times()
    with redis.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]
        channel.psubscribe(f"orderbook:{VENUE}:*")
        while (message := channel.get_message(timeout=1)) or not done.is_set():
            if message:
                said = msgspec.json.decode(message["data"], type=Message)
                heard[said.symbol, said.timestamp] = time.time()
    return heard


@contextmanager
def forgotten(settings: Settings, books: Plan) -> Iterator[None]:
    """Afterwards Redis knows nothing of the books of this load, under whichever name they were told."""
    try:
        yield
    finally:
        told = (f"{each.symbol}{copy}" for each in books.instruments for copy in ("", *range(COPIES)))
        keys = [
            name for symbol in told for name in names("orderbook", f"{VENUE}:{symbol}", settings.cache_default_venue)
        ]
        with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
            redis.delete(*(f"{key}:latest" for key in keys))
