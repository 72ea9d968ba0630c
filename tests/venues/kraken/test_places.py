"""Places of Kraken's two connections: killed connections give theirs up, and a standby behind repeats nothing."""

import json
import re
from typing import Any

import pytest

from market.orderbook.book_batch import Batch
from tests.market.orderbook.builders import OPEN_US, Kraken, build_batch, event, new_builder, rows, statuses

NEVER = 1e9


def snapshot(feed: Kraken, at: float) -> bytes:
    return feed.snapshot(at=at)


def update(feed: Kraken, at: float) -> bytes:
    return feed.update(bids=[(99, 1 + at)], at=at)


def asked(batch: Batch) -> list[tuple[str, str]]:
    """Connection and reason of every request."""
    return [(line["conn"], line["reason"]) for line in map(json.loads, batch.resyncs)]


def ids(records: list[dict[str, Any]]) -> list[int]:
    return [row["update_id"] for row in records]


def test_the_snapshot_of_a_third_connection_takes_the_place_of_the_one_that_is_silent_longest() -> None:
    a, b, c = Kraken("a"), Kraken("b"), Kraken("c")
    values = [snapshot(a, 0), snapshot(b, 20), snapshot(c, 40), *(update(c, at) for at in range(41, 44))]
    batch = build_batch("kraken", *values)
    assert ids(rows(batch))[-1] % 1_000_000_000 == 643_000_000  # the followed connection was silent longest
    assert statuses(batch) == ["synced snapshot"]


def test_connections_that_crash_again_and_again_leave_a_book_that_is_published() -> None:
    values, published = [], 0
    builder = new_builder("kraken")
    for number, name in enumerate("acdefg"):
        feed, start = Kraken(name), number * 15
        values += [event("kraken", "connected", at=start, conn=name), snapshot(feed, start + 0.1)]
        feed.seq = 0
        values += [update(feed, start + 0.2 + n / 10) for n in range(100)]
    last = Kraken("z")
    batch = builder.apply_all([*values, snapshot(last, 95), *(update(last, 96 + 6 * n) for n in range(100))])
    published = [row for row in rows(batch) if row["recv_us"] > 1_767_225_600_000_000 + 95_000_000]
    assert len(published) >= 98 and builder.synced


def test_updates_without_a_book_take_the_place_of_a_dead_standby_and_request_their_snapshot() -> None:
    a, b, c = Kraken("a"), Kraken("b"), Kraken("c")
    values = [snapshot(a, 0), snapshot(b, 0), snapshot(c, 5)]  # too early to tell that one of the two is dead
    for second in range(6, 140):
        values += [update(b, second), update(c, second)]
    batch = build_batch("kraken", *values)
    assert ("c", "no book") in asked(batch) and len(batch.resyncs) < 4
    again = snapshot(c, 140)
    gone = event("kraken", "disconnected", conn="b", at=141, seq=b.seq + 1)
    both = [update(b, 140.5), update(c, 140.5), gone, update(c, 142)]
    assert statuses(build_batch("kraken", *values, again, *both))[-1] == "synced switched"


def test_a_standby_that_lost_its_book_requests_a_snapshot_until_it_has_one() -> None:
    a, b = Kraken("a"), Kraken("b")
    b.seq = 5
    values = [snapshot(a, 0), *(value for at in range(1, 130) for value in (update(a, at), update(b, at)))]
    assert asked(build_batch("kraken", *values)) == [("b", "no book")] * 3


def test_the_book_of_a_dead_connection_does_not_replace_the_one_that_broke() -> None:
    a, b = Kraken("a"), Kraken("b")
    values = [snapshot(a, 0), snapshot(b, 0), *(update(a, at) for at in range(1, 10)), a.update(checksum=7, at=10)]
    batch = build_batch("kraken", *values)
    assert statuses(batch) == ["synced snapshot", "gap checksum"] and asked(batch) == [("a", "checksum")]


def test_a_followed_connection_that_disconnects_leaves_no_book_behind_it() -> None:
    a, b = Kraken("a"), Kraken("b")
    values = [snapshot(a, 0), snapshot(b, 0), *(update(a, at) for at in range(1, 10))]
    gone = event("kraken", "disconnected", conn="a", at=10, seq=a.seq + 1)
    assert statuses(build_batch("kraken", *values, gone)) == ["synced snapshot", "stale disconnected"]


def test_a_standby_that_is_behind_publishes_nothing_twice() -> None:
    a, b = Kraken("a"), Kraken("b")
    values, late = [snapshot(a, 0), snapshot(b, 0)], []
    for n in range(1, 11):
        values.append(update(a, n / 10))
        (values if n < 8 else late).append(update(b, n / 10))
    values.append(event("kraken", "disconnected", conn="a", at=1.2, seq=a.seq + 1))
    batch = build_batch("kraken", *values, *late, update(b, 1.5), update(b, 1.6))
    assert ids(rows(batch)) == sorted(set(ids(rows(batch)))) and len(batch.processed) == 13
    assert [row["flags"] for row in rows(batch)][-2:] == [["ofi_seed"], []]


def test_three_connections_of_a_quiet_symbol_do_not_displace_each_other() -> None:
    feeds = [Kraken(name) for name in "abc"]
    values = [snapshot(feed, 0) for feed in feeds]
    for n in range(1, 40):
        values += [update(feed, 20 * n) for feed in (feeds[n % 3 :] + feeds[: n % 3])]
    batch = build_batch("kraken", *values)
    assert statuses(batch) == ["synced snapshot"] and batch.resyncs == []


def followed_late_by(late_s: float, every_s: float, count: int) -> Batch:
    """Two connections bring the same updates, one each `every_s`; those of the followed one arrive late."""
    a, b = Kraken("a"), Kraken("b")
    moments = [every_s * (n + 1) for n in range(count)]
    arrivals = [(at, at, b) for at in moments] + [(at + late_s, at, a) for at in moments]
    values = [snapshot(a, 0), snapshot(b, 0)]
    arrivals.sort(key=lambda each: each[:2])
    values += [received(update(feed, at), arrival) for arrival, at, feed in arrivals]
    return build_batch("kraken", *values, stale_after_s=NEVER)


def received(value: bytes, at: float) -> bytes:
    """The same record, received `at` seconds after OPEN."""
    return re.sub(rb'"recv_us": \d+', b'"recv_us": %d' % (OPEN_US + int(at * 1e6)), value)


@pytest.mark.parametrize(("late_s", "every_s"), [(3, 0.25), (8, 0.5), (20, 1), (45, 5)])
def test_a_followed_connection_that_delivers_late_is_left(late_s: float, every_s: float) -> None:
    batch = followed_late_by(late_s, every_s, 60)
    assert statuses(batch) == ["synced snapshot", "synced switched"] and batch.resyncs == []
    last = rows(batch)[-1]
    assert last["recv_us"] // 1000 == last["event_time"]  # at the end, records are on time


@pytest.mark.parametrize(("late_s", "every_s"), [(0.05, 0.1), (1, 0.25), (0.5, 20), (1.5, 90)])
def test_a_followed_connection_that_is_a_little_behind_stays_followed(late_s: float, every_s: float) -> None:
    assert statuses(followed_late_by(late_s, every_s, 60)) == ["synced snapshot"]


@pytest.mark.parametrize("every_s", [20, 90, 600])
def test_a_live_standby_of_a_quiet_symbol_is_not_displaced_by_updates(every_s: float) -> None:
    feeds = [Kraken(name) for name in "abc"]
    values = [snapshot(feed, 0) for feed in feeds]
    for n in range(1, 40):
        values += [update(feed, every_s * n) for feed in (feeds[n % 3 :] + feeds[: n % 3])]
    batch = build_batch("kraken", *values, stale_after_s=NEVER)
    assert (statuses(batch), batch.resyncs) == (["synced snapshot"], [])
    assert len(batch.processed) == 40


def test_a_standby_that_takes_over_publishes_what_the_broken_connection_did_not() -> None:
    a, b = Kraken("a"), Kraken("b")
    values = [snapshot(a, 0), snapshot(b, 0), update(b, 1), a.update(checksum=7, at=1)]
    batch = build_batch("kraken", *values)
    assert statuses(batch) == ["synced snapshot", "gap checksum", "synced switched"]
    assert [row["levels_bid"] for row in rows(batch)] == [1, 2]


def test_the_message_that_broke_the_followed_book_counts_as_not_published() -> None:
    a, b = Kraken("a"), Kraken("b")
    values = [snapshot(a, 0), snapshot(b, 0), a.update(checksum=7, at=1), update(b, 1)]
    assert [row["levels_bid"] for row in rows(build_batch("kraken", *values))] == [1, 2]
