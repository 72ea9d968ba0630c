"""Replay of envelopes into the raw topics: at recorded speed, a multiple of it, or as fast as the broker accepts."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from core.records import Envelope
from ingestion.producer import RawProducer

MAX_SPEED = UNLIMITED = float("inf")


def limit_duration(envelopes: Iterable[Envelope], seconds: float) -> Iterator[Envelope]:
    """Yield envelopes up to the first one received more than `seconds` after the first of all."""
    end_us: float | None = None
    for envelope in envelopes:
        end_us = envelope.recv_us + seconds * 1e6 if end_us is None else end_us
        if envelope.recv_us > end_us:
            return
        yield envelope


def pace(
    envelopes: Iterable[Envelope],
    speed: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Envelope]:
    """Yield each envelope when it is due: `speed` seconds of receive time pass per second of `clock`.

    Overdue envelopes and those whose receive time steps back are yielded at once: order is kept, delay is made up.
    """
    origin: tuple[float, int] | None = None
    for envelope in envelopes:
        if origin is None:
            origin = (clock(), envelope.recv_us)
        wait = origin[0] + (envelope.recv_us - origin[1]) / 1e6 / speed - clock()
        if wait > 0:
            sleep(wait)
        yield envelope


def prefetch(envelopes: Iterator[Envelope], count: int = 1000) -> Iterator[Envelope]:
    """The same envelopes, read `count` at a time: alternating with the producer per envelope costs a third more."""
    while chunk := list(islice(envelopes, count)):
        yield from chunk


@dataclass(frozen=True)
class ReplayResult:
    """Outcome of a replay. `counts`: acknowledged records by topic; `interrupted`: ended by Ctrl-C, after a flush."""

    counts: Counter[str]
    seconds: float
    interrupted: bool


def send_all(
    envelopes: Iterable[Envelope], producer: RawProducer, clock: Callable[[], float] = time.monotonic
) -> ReplayResult:
    """Send every envelope and flush; Ctrl-C ends it early. Raises DeliveryError when a record is not acknowledged."""
    start = clock()
    interrupted = False
    try:
        for envelope in envelopes:
            producer.send(envelope)
    except KeyboardInterrupt:
        interrupted = True
    producer.flush()
    return ReplayResult(producer.acknowledged, clock() - start, interrupted)
