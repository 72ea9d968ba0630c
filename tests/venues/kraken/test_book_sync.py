"""Book synchronisation of Kraken by checksum and `seq`, with one connection and with a standby."""

import json

import pytest

from tests.market.orderbook.builders import (
    Kraken,
    build_batch,
    envelope,
    event,
    new_builder,
    reject_reasons,
    resync_reasons,
    rows,
    statuses,
)

HEARTBEAT = '{"channel":"heartbeat"}'


def prices(*values: bytes) -> list[float]:
    return [row["best_bid"] for row in rows(build_batch("kraken", *values))]


def test_a_snapshot_makes_a_record_and_updates_follow() -> None:
    a = Kraken()
    batch = build_batch("kraken", a.snapshot(), a.update(bids=[(100.5, 2)], at=1))
    assert [(row["best_bid"], row["update_id"]) for row in rows(batch)] == [
        (100, 1_767_225_600_000_000),
        (100.5, 1_767_225_601_000_000),
    ]


def test_updates_before_a_snapshot_are_skipped_and_one_is_requested() -> None:
    a = Kraken()
    batch = build_batch("kraken", a.update(bids=[(100, 1)]), a.update(asks=[(101, 1)]), a.snapshot())
    assert (batch.counts.skipped, resync_reasons(batch), statuses(batch)) == (2, ["no book"], ["synced snapshot"])


def test_a_wrong_checksum_is_a_gap_with_both_checksums() -> None:
    a = Kraken()
    batch = build_batch("kraken", a.snapshot(), a.update(bids=[(99, 1)], checksum=7), a.update(bids=[(98, 1)]))
    gap = json.loads(batch.statuses[1])
    assert (gap["reason"], gap["expected"], gap["actual"])[:2] == ("checksum", 7)
    assert (len(batch.processed), batch.counts.checksum_failures, batch.counts.skipped) == (1, 1, 1)


def test_the_last_book_of_a_batch_is_that_before_the_failed_checksum() -> None:
    a = Kraken()
    batch = build_batch("kraken", a.snapshot(), a.update(bids=[(99, 1)], checksum=7))
    assert batch.book and json.loads(batch.book)["bids"] == [[100, 1]]


def test_a_hole_in_seq_is_a_gap() -> None:
    a = Kraken()
    first, lost, next_one = a.snapshot(), a.update(bids=[(90, 1)]), a.update(bids=[(91, 1)])
    gap = json.loads(build_batch("kraken", first, next_one).statuses[1])
    assert lost and (gap["reason"], gap["expected"], gap["actual"]) == ("sequence", 1, 2)


def test_a_repeated_update_is_skipped() -> None:
    a = Kraken()
    first, update = a.snapshot(), a.update(bids=[(99, 1)])
    batch = build_batch("kraken", first, update, update)
    assert (len(batch.processed), batch.counts.skipped, batch.counts.gaps) == (2, 1, 0)


def test_the_book_is_cut_to_the_subscribed_depth_after_each_message() -> None:
    a = Kraken()
    ladder = [(100 - n, 1 + n) for n in range(10)]
    values = [a.snapshot(bids=ladder), a.update(bids=[(100.5, 1)]), a.update(bids=[(100.5, 0), (91, 3)])]
    batch = build_batch("kraken", *values)
    assert [row["levels_bid"] for row in rows(batch)] == [10, 10, 10] and not batch.counts.gaps


def test_a_message_may_pass_through_more_levels_than_the_depth() -> None:
    a = Kraken()
    ladder = [(100 - n, 1 + n) for n in range(10)]
    values = [a.snapshot(bids=ladder), a.update(bids=[(100, 0), (90, 5), (100.5, 2)])]
    assert prices(*values) == [100, 100.5]


def test_a_rejected_book_frame_is_itself_a_gap() -> None:
    a = Kraken()
    broken = a.snapshot(), a.update(bids=[(99, 1)]).replace(b'"qty":1.', b'"qty":-1.')
    batch = build_batch("kraken", *broken, a.update(bids=[(98, 1)]))
    assert (statuses(batch)[1:], len(batch.processed), len(batch.rejects)) == (["gap rejected"], 1, 1)


def test_frames_without_market_data_count_in_seq() -> None:
    a = Kraken()
    first = a.snapshot()
    beat = envelope("kraken", HEARTBEAT, seq=1)
    a.seq += 1
    batch = build_batch("kraken", first, beat, a.update(bids=[(99, 1)]))
    assert (batch.counts.ignored, batch.counts.applied, batch.counts.gaps) == (1, 2, 0)


def test_dropped_frames_are_a_gap() -> None:
    a = Kraken()
    assert statuses(build_batch("kraken", a.snapshot(), event("kraken", "dropped", seq=1)))[1:] == ["gap dropped"]


def test_after_a_disconnect_the_next_connection_resumes_with_its_own_snapshot() -> None:
    a, b = Kraken(), Kraken("b")
    batch = build_batch("kraken", a.snapshot(), event("kraken", "disconnected", seq=1), b.snapshot(), b.update())
    assert statuses(batch) == ["synced snapshot", "stale disconnected", "synced resumed"] and not batch.resyncs


def test_a_snapshot_without_a_timestamp_takes_the_receive_time_and_a_flag() -> None:
    a = Kraken()
    stamp = b',"timestamp":"2026-01-01T00:00:02.000000Z"'
    row = rows(build_batch("kraken", a.snapshot(at=2).replace(stamp, b"")))[0]
    assert (row["update_id"], row["event_time"]) == (1_767_225_602_000_000, 1_767_225_602_000)
    assert row["flags"] == ["receive_time", "ofi_seed"]


def test_an_update_without_a_timestamp_is_rejected() -> None:
    a = Kraken()
    first, stamp = a.snapshot(), b',"timestamp":"2026-01-01T00:00:00.000000Z"'
    assert reject_reasons(build_batch("kraken", first, a.update().replace(stamp, b""))) == [
        "expected a timestamp on an update, got none"
    ]


def test_after_five_failed_recoveries_the_book_is_untrusted_until_a_snapshot_matches() -> None:
    a = Kraken()
    failing = [a.message("snapshot", [(100, 1)], [(101, 1)], n, checksum=7) for n in range(8)]
    batch = build_batch("kraken", a.snapshot(), a.update(checksum=7), *failing, a.update(), a.snapshot())
    states = [status.split()[0] for status in statuses(batch)]
    assert states == ["synced", *["gap"] * 5, *["untrusted"] * 4, "synced"]
    assert len(batch.resyncs) == 5


def test_a_book_that_recovered_starts_a_new_count_of_faults() -> None:
    a, values = Kraken(), []
    for minute in range(10):
        values += [a.snapshot(at=minute * 100), a.update(checksum=7, at=minute * 100 + 90)]
    assert "untrusted checksum" not in statuses(build_batch("kraken", *values))


def test_a_standby_publishes_nothing_and_takes_over_on_a_gap() -> None:
    a, b = Kraken(), Kraken("b")
    values = [a.snapshot(), b.snapshot(), a.update(bids=[(99, 1)]), b.update(bids=[(99, 1)])]
    values += [a.update(checksum=7), b.update(bids=[(98, 1)], at=3)]
    batch = build_batch("kraken", *values)
    assert [row["levels_bid"] for row in rows(batch)] == [1, 2, 3]
    assert statuses(batch) == ["synced snapshot", "gap checksum", "synced switched"]
    assert rows(batch)[-1]["flags"] == ["ofi_seed"]


def test_a_standby_takes_over_on_a_disconnect() -> None:
    a, b = Kraken(), Kraken("b")
    gone = event("kraken", "disconnected", seq=1)
    batch = build_batch("kraken", a.snapshot(), b.snapshot(), gone, b.update(bids=[(99, 1)]))
    assert statuses(batch) == ["synced snapshot", "synced switched"] and len(batch.processed) == 2


def test_a_standby_takes_over_when_the_followed_one_is_silent() -> None:
    a, b = Kraken(), Kraken("b")
    values = [a.snapshot(), b.snapshot(), *(b.update(bids=[(90 + n, 1)], at=n) for n in range(1, 10))]
    batch = build_batch("kraken", *values)
    assert statuses(batch) == ["synced snapshot", "synced switched"]
    assert [row["levels_bid"] for row in rows(batch)] == [1, 8, 9, 10]  # the updates in between were not published


@pytest.mark.parametrize("first", [0, 1])
def test_a_followed_connection_that_sends_messages_stays_followed(first: int) -> None:
    connections = Kraken(), Kraken("b")
    values = [connection.snapshot() for connection in connections]
    for n in range(1, 7):
        order = connections if (n + first) % 2 else connections[::-1]
        values += [connection.update(bids=[(90 + n, 1)], at=8 * n) for connection in order]
    assert statuses(build_batch("kraken", *values)) == ["synced snapshot"]


def test_a_broken_standby_requests_its_snapshot_and_publishes_nothing() -> None:
    a, b = Kraken(), Kraken("b")
    batch = build_batch("kraken", a.snapshot(), b.snapshot(), b.update(checksum=7), a.update(bids=[(99, 1)]))
    assert (statuses(batch), len(batch.processed)) == (["synced snapshot"], 2)
    assert [json.loads(line)["conn"] for line in batch.resyncs] == ["b"]


def test_a_third_connection_waits_for_a_free_place() -> None:
    a, b, c = Kraken(), Kraken("b"), Kraken("c")
    gone = event("kraken", "disconnected", conn="b", seq=1)
    batch = build_batch(
        "kraken", a.snapshot(), b.snapshot(), c.snapshot(), gone, c.snapshot(), a.update(checksum=7), c.update()
    )
    assert statuses(batch)[1:] == ["gap checksum", "synced switched"]


def test_another_depth_on_the_same_connection_does_not_touch_the_book() -> None:
    a = Kraken()
    other = Kraken(depth=25)
    other.seq = 0
    batch = build_batch("kraken", a.snapshot(), other.update(bids=[(99, 1)]))
    assert (len(batch.processed), batch.counts.skipped) == (1, 1)


def test_checksum_texts_of_removed_levels_do_not_accumulate() -> None:
    a, builder = Kraken(), new_builder("kraken")
    builder.apply_all([a.snapshot(), *(a.update(bids=[(50 + n / 10, 1), (50 + (n - 1) / 10, 0)]) for n in range(400))])
    assert builder.synced and builder._book_sync.books[0].bids.memory_bytes < 20 * 150


def test_frames_of_another_depth_do_not_hide_a_lost_one() -> None:
    followed, other = Kraken(), Kraken(depth=25)
    values = [followed.snapshot()]
    followed.update(bids=[(99, 1)])  # lost
    other.seq = followed.seq
    batch = build_batch("kraken", *values, other.update(bids=[(98, 1)], at=1))
    assert statuses(batch) == ["synced snapshot", "gap sequence"]


def test_frames_of_another_depth_are_counted_and_not_applied() -> None:
    followed, other = Kraken(), Kraken(depth=25)
    values = [followed.snapshot()]
    other.seq = followed.seq
    values.append(other.update(bids=[(98, 1)], at=1))
    followed.seq = other.seq
    batch = build_batch("kraken", *values, followed.update(bids=[(99, 1)], at=2))
    assert (statuses(batch), len(batch.processed), batch.counts.skipped) == (["synced snapshot"], 2, 1)


def test_a_channel_with_thousands_of_digits_is_rejected() -> None:
    batch = build_batch("kraken", envelope("kraken", {}, "book." + "1" * 5000))
    assert reject_reasons(batch)[0].startswith("expected a channel of kraken, got 'book.111")
