"""Replay: pacing on an injected clock, limits, interruption and failures."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Envelope
from ingestion.producer import DeliveryError, RawProducer
from ingestion.replay import MAX_SPEED, limit_duration, pace, prefetch, send_all
from tests.ingestion.test_producer import FakeClient
from venues.stamping import Stamper

SECOND = 1_000_000


class Clock:
    """A clock that advances only by `sleep`."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def received(*times_us: int) -> list[Envelope]:
    stamper = Stamper("binance", "c")
    return [stamper.stamp("depth", "A", time_us, b"{}") for time_us in times_us]


@pytest.mark.parametrize(("speed", "waits"), [(1.0, [1.0, 2.0]), (4.0, [0.25, 0.5]), (MAX_SPEED, [])])
def test_receive_times_set_the_pace(speed: float, waits: list[float]) -> None:
    clock = Clock()
    envelopes = received(5 * SECOND, 6 * SECOND, 8 * SECOND)
    assert list(pace(envelopes, speed, clock, clock.sleep)) == envelopes
    assert clock.slept == waits


def test_delay_of_the_consumer_is_made_up() -> None:
    clock = Clock()
    paced = pace(received(0, SECOND, 2 * SECOND), 1.0, clock, clock.sleep)
    next(paced)
    clock.now += 1.5
    next(paced)
    next(paced)
    assert clock.slept == [0.5]


def test_a_receive_time_that_steps_back_does_not_wait() -> None:
    clock = Clock()
    list(pace(received(5 * SECOND, 2 * SECOND, 5 * SECOND), 1.0, clock, clock.sleep))
    assert clock.slept == []


def test_a_limit_counts_from_the_first_frame() -> None:
    envelopes = received(5 * SECOND, 6 * SECOND, 8 * SECOND)
    assert list(limit_duration(envelopes, 1)) == envelopes[:2]
    assert list(limit_duration(envelopes, float("inf"))) == envelopes


@given(st.integers(0, 20), st.integers(1, 7))
def test_prefetched_envelopes_are_the_same_in_the_same_order(total: int, count: int) -> None:
    envelopes = received(*range(total))
    assert list(prefetch(iter(envelopes), count)) == envelopes


def test_a_replay_reports_acknowledged_records() -> None:
    clock = Clock()
    result = send_all(received(1, 2, 3), RawProducer(FakeClient()), clock)
    assert (result.counts, result.interrupted) == ({"orderbook.raw": 3}, False)


def test_an_interrupted_replay_still_flushes() -> None:
    def interrupted() -> Iterator[Envelope]:
        yield from received(1, 2)
        raise KeyboardInterrupt

    result = send_all(interrupted(), RawProducer(FakeClient()))
    assert (result.counts, result.interrupted) == ({"orderbook.raw": 2}, True)


def test_a_failed_delivery_raises() -> None:
    with pytest.raises(DeliveryError, match="not acknowledged"):
        send_all(received(1), RawProducer(FakeClient(failing=True)))
