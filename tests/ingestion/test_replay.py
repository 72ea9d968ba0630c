"""Pacing on an injected clock, limits, and a replay that ends cleanly whatever happens."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.producer import DeliveryError, RawProducer
from ingestion.replay import MAX_SPEED, ahead, paced, play, within
from ingestion.stamping import Stamper
from market.records import Envelope
from tests.ingestion.test_producer import FakeClient

SECOND = 1_000_000


class Clock:
    """Time that passes only by sleeping."""

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
    assert list(paced(envelopes, speed, clock, clock.sleep)) == envelopes
    assert clock.slept == waits


def test_lateness_is_made_up_for() -> None:
    clock = Clock()
    playing = paced(received(0, SECOND, 2 * SECOND), 1.0, clock, clock.sleep)
    next(playing)
    clock.now += 1.5
    next(playing)
    next(playing)
    assert clock.slept == [0.5]


def test_a_step_back_in_time_is_no_reason_to_wait() -> None:
    clock = Clock()
    list(paced(received(5 * SECOND, 2 * SECOND, 5 * SECOND), 1.0, clock, clock.sleep))
    assert clock.slept == []


def test_a_limit_counts_from_the_first_frame() -> None:
    envelopes = received(5 * SECOND, 6 * SECOND, 8 * SECOND)
    assert list(within(envelopes, 1)) == envelopes[:2]
    assert list(within(envelopes, float("inf"))) == envelopes


@given(st.integers(0, 20), st.integers(1, 7))
def test_what_is_made_ahead_is_the_same_in_the_same_order(total: int, count: int) -> None:
    envelopes = received(*range(total))
    assert list(ahead(iter(envelopes), count)) == envelopes


def test_a_replay_tells_what_was_acknowledged() -> None:
    clock = Clock()
    played = play(received(1, 2, 3), RawProducer(FakeClient()), clock)
    assert (played.counts, played.interrupted) == ({"orderbook.raw": 3}, False)


def test_an_interrupted_replay_still_flushes() -> None:
    def interrupted() -> Iterator[Envelope]:
        yield from received(1, 2)
        raise KeyboardInterrupt

    played = play(interrupted(), RawProducer(FakeClient()))
    assert (played.counts, played.interrupted) == ({"orderbook.raw": 2}, True)


def test_a_replay_does_not_hide_a_failure() -> None:
    with pytest.raises(DeliveryError, match="not acknowledged"):
        play(received(1), RawProducer(FakeClient(failing=True)))
