"""Life of a book whose changes name their predecessor: Deribit."""

import json

from tests.market.builders import asked, deribit, event, play, reasons, rows, said

START = deribit(10, bids=[(100, 1)], asks=[(101, 1)])


def ids(*values: bytes) -> list[int]:
    return [row["update_id"] for row in rows(play("deribit", *values))]


def test_a_snapshot_makes_a_record_and_changes_chain_on_it() -> None:
    batch = play("deribit", START, deribit(15, 10), deribit(16, 15))
    assert [row["update_id"] for row in rows(batch)] == [10, 15, 16]
    assert said(batch) == ["synced snapshot"] and not batch.resyncs


def test_changes_without_a_book_are_skipped_and_a_snapshot_asked_for() -> None:
    batch = play("deribit", deribit(15, 10), deribit(16, 15), deribit(17, 16))
    assert (len(batch.processed), batch.counts.skipped, asked(batch)) == (0, 3, ["no book"])


def test_a_change_that_does_not_chain_is_a_gap() -> None:
    batch = play("deribit", START, deribit(15, 12), deribit(16, 15), deribit(20, at=1), deribit(21, 20))
    assert [row["update_id"] for row in rows(batch)] == [10, 20, 21]
    gap = json.loads(batch.statuses[1])
    assert (gap["state"], gap["expected"], gap["actual"]) == ("gap", 10, 12)


def test_known_changes_and_snapshots_are_skipped() -> None:
    assert ids(START, deribit(15, 10), deribit(15, 10), deribit(12), deribit(16, 15)) == [10, 15, 16]


def test_a_change_after_zero_replaces_the_book() -> None:
    batch = play("deribit", START, deribit(15, 0, bids=[(90, 1)], asks=[(91, 1)]))
    assert rows(batch)[-1]["best_bid"] == 90


def test_a_delete_removes_the_level() -> None:
    batch = play("deribit", START, deribit(15, 10, bids=[(99, 2), (100, 0)]))
    assert rows(batch)[-1]["best_bid"] == 99


def test_a_level_said_to_be_new_that_was_there_is_counted_not_refused() -> None:
    batch = play("deribit", START, deribit(15, 10, bids=[(100, 3)]))
    assert (rows(batch)[-1]["best_bid_size"], batch.counts.surprises) == (3, 1)


def test_a_crossed_book_is_a_fault() -> None:
    batch = play("deribit", START, deribit(15, 10, bids=[(101, 3)]))
    assert (said(batch)[-1], asked(batch)) == ("gap crossed", ["crossed"])


def test_a_change_may_come_from_either_connection() -> None:
    echoes = [deribit(n, n - 1, conn=conn) for n in (11, 12, 13) for conn in "ba"]
    batch = play("deribit", START, *echoes)
    assert [row["update_id"] for row in rows(batch)] == [10, 11, 12, 13] and not batch.counts.gaps


def test_a_gap_on_a_connection_that_is_not_followed_is_none() -> None:
    values = [deribit(11, 10, conn="b"), deribit(13, 12, conn="b"), deribit(12, 11), deribit(13, 12), deribit(14, 13)]
    assert ids(START, *values) == [10, 11, 12, 13, 14]


def test_a_followed_connection_that_fell_silent_is_left() -> None:
    values = [deribit(11, 10, conn="b", at=8), deribit(13, 12, conn="b", at=9)]
    assert said(play("deribit", START, *values))[-1] == "gap sequence"


def test_a_followed_connection_that_disconnects_is_left() -> None:
    values = [deribit(11, 10, conn="b"), event("deribit", "disconnected"), deribit(13, 12, conn="b")]
    assert said(play("deribit", START, *values)) == ["synced snapshot", "gap sequence"]


def test_the_book_is_stale_when_the_last_connection_is_gone_and_resumes_with_the_next_change() -> None:
    batch = play("deribit", START, event("deribit", "disconnected"), deribit(11, 10, conn="b"))
    assert said(batch) == ["synced snapshot", "stale disconnected", "synced resumed"]


def test_dropped_frames_are_shown_by_the_ids_not_by_the_event() -> None:
    assert ids(START, event("deribit", "dropped"), deribit(11, 10)) == [10, 11]


def test_ids_that_run_backwards_and_foreign_instruments_are_rejected() -> None:
    foreign = deribit(11, 10).replace(b'"instrument_name": "BTC', b'"instrument_name": "ETH')
    batch = play("deribit", START, deribit(11, 12), foreign, deribit(12, 10))
    assert reasons(batch) == [
        "expected prev_change_id below change_id 11, got 12",
        "expected symbol BTC-PERPETUAL, got ETH-PERPETUAL",
    ]
    assert len(batch.processed) == 2
