"""Token bucket and back-off, with the time as an argument."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.forwarder.rate_limit import TokenBucket, backoff, message_budget
from venues.registry import VENUES

START = 1_000.0


def test_a_bucket_grants_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=START)
    assert [bucket.take(1, START) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(1, START + 0.5) == 0


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 50)), min_size=1, max_size=80))
def test_no_window_sees_more_than_burst_and_rate_allow(calls: list[tuple[float, int]]) -> None:
    bucket, now, spent = TokenBucket(rate=10, burst=50, now=START), START, list[tuple[float, int]]()
    for pause, amount in calls:
        now += pause
        if not bucket.take(amount, now):
            spent.append((now, amount))
    for start, _ in spent:
        within = sum(amount for at, amount in spent if start <= at <= start + 7)
        assert within <= 50 + 10 * 7 + 1e-6


@pytest.mark.parametrize("venue", VENUES)
def test_no_second_has_more_messages_than_the_venue_allows(venue: str) -> None:
    """Twenty messages are queued at once, and each is sent as soon as the budget grants it."""
    limits, now, sent = VENUES[venue].protocol.limits, START, list[float]()
    budget = message_budget(limits, now)
    while len(sent) < 20:
        if wait_s := budget.take(1, now):
            now += wait_s
        else:
            sent.append(now)
    assert max(sum(start <= at < start + 0.999 for at in sent) for start in sent) == limits.messages_per_s
    assert sent[-1] - START < 20 / limits.messages_per_s


def test_an_amount_is_granted_after_the_returned_wait() -> None:
    bucket = TokenBucket(rate=1, burst=10, now=START)
    bucket.take(10, START)
    wait_s = bucket.take(4, START)
    assert wait_s == 4
    assert bucket.take(4, START + wait_s) == 0


def test_an_amount_above_the_burst_is_granted_from_a_full_bucket_and_repaid() -> None:
    bucket = TokenBucket(rate=1, burst=10, now=START)
    assert bucket.take(25, START) == 0
    assert bucket.take(1, START + 10) == 6


def test_a_closed_bucket_grants_nothing_before_its_time() -> None:
    bucket = TokenBucket(rate=100, burst=100, now=START)
    bucket.close(START + 30)
    assert bucket.take(1, START + 10) == 20
    assert bucket.take(1, START + 30) == 0


def test_a_clock_that_steps_back_refills_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1, now=START)
    assert bucket.take(1, START) == 0
    assert bucket.take(1, START - 100) > 0


def test_delays_double_up_to_the_maximum_and_are_drawn_from_their_upper_half() -> None:
    delays = backoff(1, 8, Random(1))
    for expected in (1, 2, 4, 8, 8, 8):
        assert expected / 2 <= next(delays) <= expected
