"""Replay: envelopes into the raw topics, at their own pace, a multiple of it, or as fast as the broker takes them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ingestion.producer import RawProducer
from market.records import Envelope

MAX_SPEED = ENDLESS = float("inf")


def within(envelopes: Iterable[Envelope], seconds: float) -> Iterator[Envelope]:
    """The envelopes as far as they were received within `seconds` of the first."""
    end_us: float | None = None
    for envelope in envelopes:
        end_us = envelope.recv_us + seconds * 1e6 if end_us is None else end_us
        if envelope.recv_us > end_us:
            return
        yield envelope


def paced(
    envelopes: Iterable[Envelope],
    speed: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Envelope]:
    """Each envelope when its time has come: `speed` seconds of receive time pass in one second of the clock.

    What steps back, or comes when the consumer is late, is passed on at once: order is kept, delay made up for.
    """
    origin: tuple[float, int] | None = None
    for envelope in envelopes:
        if origin is None:
            origin = (clock(), envelope.recv_us)
        wait = origin[0] + (envelope.recv_us - origin[1]) / 1e6 / speed - clock()
        if wait > 0:
            sleep(wait)
        yield envelope


def ahead(envelopes: Iterator[Envelope], count: int = 1000) -> Iterator[Envelope]:
    """The same envelopes, made `count` at a time: taking turns with the producer at each costs a third more."""
    while made := list(islice(envelopes, count)):
        yield from made


@dataclass(frozen=True)
class Played:
    """What a replay did. `counts`: acknowledged records by topic; `interrupted`: by Ctrl-C, all that was sent is in."""

    counts: Counter[str]
    seconds: float
    interrupted: bool


def play(envelopes: Iterable[Envelope], producer: RawProducer, clock: Callable[[], float] = time.monotonic) -> Played:
    """Send everything, flush, and tell. Raises DeliveryError when a record was not acknowledged."""
    start = clock()
    interrupted = False
    try:
        for envelope in envelopes:
            producer.send(envelope)
    except KeyboardInterrupt:
        interrupted = True
    producer.flush()
    return Played(producer.acknowledged, clock() - start, interrupted)
