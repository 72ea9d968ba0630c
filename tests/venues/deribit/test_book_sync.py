"""Book synchronisation of Deribit: changes that name their predecessor."""

import json
import re

import pytest

from market.orderbook.book_batch import Batch
from tests.market.orderbook.builders import (
    OPEN_US,
    build_batch,
    deribit,
    event,
    reject_reasons,
    resync_reasons,
    rows,
    statuses,
)

START = deribit(10, bids=[(100, 1)], asks=[(101, 1)])


def ids(*values: bytes) -> list[int]:
    return [row["update_id"] for row in rows(build_batch("deribit", *values))]


def test_a_snapshot_makes_a_record_and_changes_chain_on_it() -> None:
    batch = build_batch("deribit", START, deribit(15, 10), deribit(16, 15))
    assert [row["update_id"] for row in rows(batch)] == [10, 15, 16]
    assert statuses(batch) == ["synced snapshot"] and not batch.resyncs


def test_changes_without_a_book_are_skipped_and_a_snapshot_requested() -> None:
    batch = build_batch("deribit", deribit(15, 10), deribit(16, 15), deribit(17, 16))
    assert (len(batch.processed), batch.counts.skipped, resync_reasons(batch)) == (0, 3, ["no book"])


def test_a_change_that_does_not_chain_is_a_gap() -> None:
    batch = build_batch("deribit", START, deribit(15, 12), deribit(16, 15), deribit(20, at=1), deribit(21, 20))
    assert [row["update_id"] for row in rows(batch)] == [10, 20, 21]
    gap = json.loads(batch.statuses[1])
    assert (gap["state"], gap["expected"], gap["actual"]) == ("gap", 10, 12)


def test_repeated_changes_and_old_snapshots_are_skipped() -> None:
    assert ids(START, deribit(15, 10), deribit(15, 10), deribit(12), deribit(16, 15)) == [10, 15, 16]


def test_a_change_after_zero_replaces_the_book() -> None:
    batch = build_batch("deribit", START, deribit(15, 0, bids=[(90, 1)], asks=[(91, 1)]))
    assert rows(batch)[-1]["best_bid"] == 90


@pytest.mark.parametrize("bids", [[(100, 0)], [(90, 1), (100, 0)]], ids=["delete", "new and delete"])
def test_a_change_of_levels_without_a_predecessor_is_rejected(bids: list[tuple[float, float]]) -> None:
    batch = build_batch("deribit", START, deribit(15, 0, bids=bids), deribit(16, 15))
    assert reject_reasons(batch) == ["expected prev_change_id on a change of levels that exist, got none"]
    assert (len(batch.processed), statuses(batch)[-1]) == (1, "gap sequence")


def test_a_delete_removes_the_level() -> None:
    batch = build_batch("deribit", START, deribit(15, 10, bids=[(99, 2), (100, 0)]))
    assert rows(batch)[-1]["best_bid"] == 99


def test_a_new_level_that_exists_already_is_counted_not_rejected() -> None:
    batch = build_batch("deribit", START, deribit(15, 10, bids=[(100, 3)]))
    assert (rows(batch)[-1]["best_bid_size"], batch.counts.surprises) == (3, 1)


def test_a_crossed_book_is_a_gap() -> None:
    batch = build_batch("deribit", START, deribit(15, 10, bids=[(101, 3)]))
    assert (statuses(batch)[-1], resync_reasons(batch)) == ("gap crossed", ["crossed"])


def test_a_change_may_come_from_either_connection() -> None:
    echoes = [deribit(n, n - 1, conn=conn) for n in (11, 12, 13) for conn in "ba"]
    batch = build_batch("deribit", START, *echoes)
    assert [row["update_id"] for row in rows(batch)] == [10, 11, 12, 13] and not batch.counts.gaps


def test_a_gap_on_a_connection_that_is_not_followed_is_ignored() -> None:
    values = [deribit(11, 10, conn="b"), deribit(13, 12, conn="b"), deribit(12, 11), deribit(13, 12), deribit(14, 13)]
    assert ids(START, *values) == [10, 11, 12, 13, 14]


def test_another_connection_is_followed_when_the_followed_one_is_silent() -> None:
    values = [deribit(11, 10, conn="b", at=8), deribit(13, 12, conn="b", at=9)]
    assert statuses(build_batch("deribit", START, *values))[-1] == "gap sequence"


def test_another_connection_is_followed_when_the_followed_one_disconnects() -> None:
    values = [deribit(11, 10, conn="b"), event("deribit", "disconnected"), deribit(13, 12, conn="b")]
    assert statuses(build_batch("deribit", START, *values)) == ["synced snapshot", "gap sequence"]


def test_the_book_is_stale_when_the_last_connection_is_gone_and_resumes_with_the_next_change() -> None:
    batch = build_batch("deribit", START, event("deribit", "disconnected"), deribit(11, 10, conn="b"))
    assert statuses(batch) == ["synced snapshot", "stale disconnected", "synced resumed"]


def test_ids_and_not_the_drop_event_show_lost_frames() -> None:
    assert ids(START, event("deribit", "dropped"), deribit(11, 10)) == [10, 11]


def test_ids_that_run_backwards_and_foreign_instruments_are_rejected() -> None:
    foreign = deribit(11, 10).replace(b'"instrument_name": "BTC', b'"instrument_name": "ETH')
    batch = build_batch("deribit", START, deribit(11, 12), foreign, deribit(12, 10))
    assert reject_reasons(batch) == [
        "expected prev_change_id below change_id 11, got 12",
        "expected symbol BTC-PERPETUAL, got ETH-PERPETUAL",
    ]
    assert len(batch.processed) == 2


def followed_late_by(late_s: float, every_s: float, count: int) -> Batch:
    """Two connections bring the same changes; the followed one late, the other one without the first of them."""
    changes = [(every_s * (n + 1), 11 + n) for n in range(count)]
    arrivals = [(at, number, "b") for at, number in changes[1:]] + [
        (at + late_s, number, "a") for at, number in changes
    ]
    moments = {number: at for at, number in changes}
    values = [
        re.sub(
            rb'"recv_us": \d+',
            b'"recv_us": %d' % (OPEN_US + int(arrival * 1e6)),
            deribit(number, number - 1, bids=[(99, number)], at=moments[number], conn=conn),
        )
        for arrival, number, conn in sorted(arrivals)
    ]
    return build_batch("deribit", START, *values, stale_after_s=1e9)


@pytest.mark.parametrize(("late_s", "every_s"), [(3, 0.25), (8, 0.5), (20, 1)])
def test_a_followed_connection_that_delivers_late_is_left(late_s: float, every_s: float) -> None:
    batch = followed_late_by(late_s, every_s, 60)
    assert statuses(batch) == ["synced snapshot", "gap sequence"]
    assert json.loads(batch.resyncs[0])["conn"] == "b"


@pytest.mark.parametrize(("late_s", "every_s"), [(0.05, 0.01), (1, 0.25), (0.5, 20), (30, 90)])
def test_a_followed_connection_that_is_a_little_behind_stays_followed(late_s: float, every_s: float) -> None:
    batch = followed_late_by(late_s, every_s, 60)
    assert statuses(batch) == ["synced snapshot"] and len(batch.processed) == 61
