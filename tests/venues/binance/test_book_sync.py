"""Book synchronisation of Binance spot and USD-M: REST snapshots and update ids."""

import json

import pytest

from market.orderbook.book_batch import Counts
from tests.market.orderbook.builders import (
    OPEN,
    build_batch,
    event,
    new_builder,
    reject_reasons,
    rest_snapshot,
    resync_reasons,
    rows,
    spot,
    statuses,
    usdm,
)

SYNCED = (spot(9, 9), rest_snapshot("binance", 10))
STALE, RESUMED, GAP = "stale disconnected", "synced resumed", "gap sequence"


def ids(*values: bytes) -> list[int]:
    return [row["update_id"] for row in rows(build_batch("binance", *values))]


def test_updates_are_buffered_until_a_snapshot_bridges() -> None:
    batch = build_batch("binance", spot(9, 10), spot(11, 12), spot(13, 14), rest_snapshot("binance", 11))
    assert [row["update_id"] for row in rows(batch)] == [12, 14]
    assert (statuses(batch), resync_reasons(batch)) == (["synced snapshot"], ["no book"])


def test_a_snapshot_that_comes_first_is_enough() -> None:
    assert ids(rest_snapshot("binance", 10), spot(11, 11)) == [11]


def test_a_snapshot_itself_makes_no_record() -> None:
    batch = build_batch("binance", *SYNCED)
    assert not batch.processed and batch.book is None and statuses(batch) == ["synced snapshot"]


@pytest.mark.parametrize("is_late", [False, True])
def test_the_update_that_ends_at_the_snapshot_makes_it_a_record(is_late: bool) -> None:
    update, snapshot = spot(9, 10, bids=[(100, 1)], at=0.1), rest_snapshot("binance", 10)
    batch = build_batch("binance", *((snapshot, update) if is_late else (update, snapshot)), update)
    (row,) = rows(batch)
    assert (row["update_id"], row["event_time"], statuses(batch)) == (10, OPEN + 100, ["synced snapshot"])
    assert batch.book and json.loads(batch.book)["bids"] == [[100, 1]]


def test_a_snapshot_older_than_the_buffered_updates_is_discarded_and_the_next_one_bridges() -> None:
    assert ids(spot(20, 21), spot(22, 23), rest_snapshot("binance", 15), rest_snapshot("binance", 20)) == [21, 23]


def test_a_late_snapshot_is_ignored_and_a_newer_one_installed() -> None:
    late, newer = rest_snapshot("binance", 11), rest_snapshot("binance", 20, bids=[(98, 5)])
    batch = build_batch("binance", *SYNCED, spot(11, 12), late, newer, spot(13, 20), spot(21, 21))
    assert [(row["update_id"], row["best_bid"]) for row in rows(batch)] == [(12, 100), (20, 98), (21, 98)]


def test_order_flow_restarts_at_a_newer_snapshot() -> None:
    batch = build_batch(
        "binance", *SYNCED, spot(11, 12), spot(13, 14), rest_snapshot("binance", 20), spot(21, 21), spot(22, 22)
    )
    assert [row["flags"] for row in rows(batch)] == [["ofi_seed"], [], ["ofi_seed"], []]


def test_repeated_and_overlapping_updates_are_skipped_or_applied_once() -> None:
    assert ids(*SYNCED, spot(11, 12), spot(11, 12), spot(12, 13), spot(14, 14)) == [12, 13, 14]


def test_nothing_is_published_between_a_gap_and_the_next_bridge() -> None:
    batch = build_batch(
        "binance", *SYNCED, spot(11, 11), spot(13, 13), spot(14, 14), rest_snapshot("binance", 13), spot(15, 15)
    )
    assert [row["update_id"] for row in rows(batch)] == [11, 13, 14, 15]
    assert statuses(batch) == ["synced snapshot", GAP, "synced snapshot"]


def test_a_gap_has_the_expected_and_the_actual_id() -> None:
    status = json.loads(build_batch("binance", *SYNCED, spot(13, 14)).statuses[-1])
    assert (status["state"], status["expected"], status["actual"], status["conn"]) == ("gap", 11, 13, "a")


def test_order_flow_restarts_after_a_gap() -> None:
    batch = build_batch(
        "binance", *SYNCED, spot(11, 11), spot(13, 13), rest_snapshot("binance", 13), spot(14, 14), spot(15, 15)
    )
    seeds, later = [(None, ["ofi_seed"])] * 2, [(0, [])] * 2
    assert [(row["ofi"], row["flags"]) for row in rows(batch)] == [*seeds, *later]


def test_a_dropped_book_is_requested_once_then_with_growing_pauses() -> None:
    values = [spot(n, n, at=n / 2) for n in range(100, 200)]
    batch = build_batch("binance", *SYNCED, *values)
    assert resync_reasons(batch) == ["no book", *["sequence"] * 5]  # at the gap, then 2, 4, 8, 16 s apart within 50 s
    assert len({json.loads(line)["since"] for line in batch.resyncs[1:]}) == 1


def test_the_pauses_are_capped() -> None:
    batch = build_batch("binance", *(spot(n, n, at=n) for n in range(1000)), resync_max_s=8.0, max_pending=10)
    assert 110 < len(batch.resyncs) < 130


@pytest.mark.parametrize(
    ("limit", "bridged"), [({"max_pending": 3}, []), ({"max_pending_s": 2.5}, []), ({}, [1, 2, 3, 4])]
)
def test_the_buffer_is_bounded_by_count_and_by_age(limit: dict[str, float], bridged: list[int]) -> None:
    batch = build_batch("binance", *(spot(n, n, at=n) for n in range(1, 5)), rest_snapshot("binance", 0), **limit)
    assert [row["update_id"] for row in rows(batch)] == bridged


@pytest.mark.parametrize("ask", [99.0, 100.0])
def test_a_crossed_or_locked_book_is_a_gap_and_no_record(ask: float) -> None:
    batch = build_batch("binance", *SYNCED, spot(11, 11), spot(12, 12, asks=[(ask, 1)]), spot(13, 13))
    assert ([row["update_id"] for row in rows(batch)], statuses(batch)[1:], resync_reasons(batch)[1:]) == (
        [11],
        ["gap crossed"],
        ["crossed"],
    )


def test_the_last_book_of_a_batch_is_the_one_before_the_gap() -> None:
    batch = build_batch("binance", *SYNCED, spot(11, 11, bids=[(99, 7)]), spot(12, 12, asks=[(99, 1)]))
    assert batch.book and json.loads(batch.book)["bids"] == [[100, 1], [99, 7]]


def test_a_crossed_snapshot_is_dropped() -> None:
    crossed = rest_snapshot("binance", 11, bids=[(101, 1)], asks=[(101, 1)])
    batch = build_batch("binance", spot(9, 11), crossed, spot(12, 12), rest_snapshot("binance", 11), spot(13, 13))
    assert [row["update_id"] for row in rows(batch)] == [11, 12, 13]


def test_the_first_of_two_connections_is_applied_and_the_copy_skipped() -> None:
    values = [spot(n, n, conn=conn) for n in (11, 12, 13) for conn in "ab"]
    batch = build_batch("binance", *SYNCED, *values)
    assert ([row["update_id"] for row in rows(batch)], batch.counts.skipped) == ([11, 12, 13], 4)


def test_a_reconnect_that_chains_needs_no_snapshot() -> None:
    values = [spot(11, 11), event("binance", "disconnected"), spot(12, 12, conn="b")]
    batch = build_batch("binance", *SYNCED, *values)
    assert statuses(batch) == ["synced snapshot", STALE, RESUMED]
    assert [row["flags"] for row in rows(batch)] == [["ofi_seed"], []]


def test_a_hole_in_seq_does_not_drop_a_book_whose_ids_chain() -> None:
    assert ids(*SYNCED, spot(11, 11, seq=5), spot(12, 12, seq=90)) == [11, 12]


def test_the_book_is_stale_only_when_the_last_connection_is_gone() -> None:
    gone_a, gone_b = (event("binance", "disconnected", conn=conn) for conn in "ab")
    batch = build_batch("binance", *SYNCED, spot(11, 11), spot(12, 12, conn="b"), gone_a, gone_b, gone_b)
    assert statuses(batch) == ["synced snapshot", STALE]


def test_a_connection_that_ended_without_an_event_does_not_prevent_stale() -> None:
    gone = event("binance", "disconnected", conn="b", at=90)
    assert statuses(build_batch("binance", *SYNCED, spot(11, 11), spot(12, 12, conn="b", at=89), gone))[-1] == STALE


def test_the_disconnect_of_a_connection_without_books_publishes_nothing() -> None:
    assert statuses(build_batch("binance", *SYNCED, event("binance", "disconnected", conn="trades"))) == [
        "synced snapshot"
    ]


def test_stale_is_published_once_per_episode() -> None:
    builder = new_builder("binance")
    builder.apply_all(SYNCED)
    batch = builder.mark_stale(7_000)
    assert batch and json.loads(batch.statuses[0])["event_time"] == 7_000
    assert (builder.mark_stale(8_000), statuses(builder.apply_all([spot(11, 11)]))) == (None, [RESUMED])
    assert builder.mark_stale(9_000) is not None


def test_a_book_that_was_never_synced_is_not_stale() -> None:
    assert new_builder("binance").mark_stale(7_000) is None


def test_futures_records_have_the_matching_time() -> None:
    batch = build_batch("binance_usdm", rest_snapshot("binance_usdm", 10), usdm(10, 15, 20, at=1))
    row = rows(batch)[0]
    assert (row["event_time"], row["recv_us"]) == (1_767_225_600_995, 1_767_225_601_000_000)


def test_a_futures_update_that_ends_at_the_snapshot_is_applied() -> None:
    batch = build_batch("binance_usdm", usdm(5, 8, 10), usdm(10, 15, 20), rest_snapshot("binance_usdm", 10))
    assert [row["update_id"] for row in rows(batch)] == [10, 20]


def test_a_futures_snapshot_alone_is_not_synced_until_an_update_bridges_to_it() -> None:
    builder = new_builder("binance_usdm")
    assert not statuses(builder.apply_all([usdm(5, 8, 9), rest_snapshot("binance_usdm", 10)])) and not builder.synced
    assert statuses(builder.apply_all([usdm(9, 11, 12)])) == ["synced snapshot"] and builder.synced


def test_a_futures_update_after_the_hole_of_the_snapshot_is_buffered_for_the_next_one() -> None:
    values = [
        usdm(5, 8, 9),
        rest_snapshot("binance_usdm", 10),
        usdm(11, 12, 13),
        rest_snapshot("binance_usdm", 12),
        usdm(13, 20, 21),
    ]
    assert [row["update_id"] for row in rows(build_batch("binance_usdm", *values))] == [13, 21]


def test_a_futures_snapshot_between_two_updates_is_valid_and_counted() -> None:
    batch = build_batch("binance_usdm", rest_snapshot("binance_usdm", 10), usdm(9, 12, 13))
    assert (len(batch.processed), batch.counts.surprises) == (1, 1)


def test_a_futures_gap_is_detected_by_the_previous_id() -> None:
    values = [rest_snapshot("binance_usdm", 10), usdm(10, 15, 20), usdm(21, 22, 23)]
    assert statuses(build_batch("binance_usdm", *values)) == ["synced snapshot", GAP]


def test_an_update_from_the_future_is_rejected_and_changes_nothing() -> None:
    late = spot(12, 12, bids=[(100, 9)], at=3700).replace(b"1767229300000000", b"1767225600000000")
    batch = build_batch("binance", *SYNCED, spot(11, 11), late, spot(12, 12))
    assert "at most 3600000 ms past receipt" in reject_reasons(batch)[0]
    assert rows(batch)[-1]["best_bid_size"] == 1


def test_counts_add_up() -> None:
    batch = build_batch("binance", *SYNCED, spot(11, 11), spot(11, 11), None, event("binance", "connected"))
    expected = Counts(frames=6, held=1, snapshots=1, skipped=2, applied=1, rejected=1, events=1, resyncs=1)
    assert batch.counts == expected
