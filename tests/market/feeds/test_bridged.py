"""Life of a book whose snapshot comes by REST: Binance spot and USD-M."""

import json

import pytest

from market.keeper import Counts
from tests.market.builders import asked, event, keeper, play, reasons, rest, rows, said, spot, usdm

SYNCED = (spot(9, 10), rest("binance", 10))
STALE, RESUMED, GAP = "stale disconnected", "synced resumed", "gap sequence"


def ids(*values: bytes) -> list[int]:
    return [row["update_id"] for row in rows(play("binance", *values))]


def test_updates_are_held_until_a_snapshot_bridges() -> None:
    batch = play("binance", spot(9, 10), spot(11, 12), spot(13, 14), rest("binance", 11))
    assert [row["update_id"] for row in rows(batch)] == [12, 14]
    assert (said(batch), asked(batch)) == (["synced snapshot"], ["no book"])


def test_a_snapshot_that_comes_first_is_enough() -> None:
    assert ids(rest("binance", 10), spot(11, 11)) == [11]


def test_a_snapshot_itself_makes_no_record() -> None:
    batch = play("binance", *SYNCED)
    assert not batch.processed and batch.book is None and said(batch) == ["synced snapshot"]


def test_a_snapshot_older_than_what_is_held_is_discarded_and_the_next_one_bridges() -> None:
    assert ids(spot(20, 21), spot(22, 23), rest("binance", 15), rest("binance", 20)) == [21, 23]


def test_a_late_snapshot_is_ignored_and_a_newer_one_installed() -> None:
    late, newer = rest("binance", 11), rest("binance", 20, bids=[(98, 5)])
    batch = play("binance", *SYNCED, spot(11, 12), late, newer, spot(13, 20), spot(21, 21))
    assert [(row["update_id"], row["best_bid"]) for row in rows(batch)] == [(12, 100), (21, 98)]


def test_order_flow_starts_anew_at_a_newer_snapshot() -> None:
    batch = play("binance", *SYNCED, spot(11, 12), spot(13, 14), rest("binance", 20), spot(21, 21), spot(22, 22))
    assert [row["flags"] for row in rows(batch)] == [["ofi_seed"], [], ["ofi_seed"], []]


def test_repeated_and_overlapping_updates_are_skipped_or_applied_once() -> None:
    assert ids(*SYNCED, spot(11, 12), spot(11, 12), spot(12, 13), spot(14, 14)) == [12, 13, 14]


def test_nothing_is_published_between_a_gap_and_the_next_bridge() -> None:
    batch = play("binance", *SYNCED, spot(11, 11), spot(13, 13), spot(14, 14), rest("binance", 13), spot(15, 15))
    assert [row["update_id"] for row in rows(batch)] == [11, 14, 15]
    assert said(batch) == ["synced snapshot", GAP, "synced snapshot"]


def test_a_gap_says_what_was_expected_and_what_came() -> None:
    status = json.loads(play("binance", *SYNCED, spot(13, 14)).statuses[-1])
    assert (status["state"], status["expected"], status["actual"], status["conn"]) == ("gap", 11, 13, "a")


def test_order_flow_starts_anew_after_a_gap() -> None:
    batch = play("binance", *SYNCED, spot(11, 11), spot(13, 13), rest("binance", 13), spot(14, 14), spot(15, 15))
    assert [(row["ofi"], row["flags"]) for row in rows(batch)] == [(None, ["ofi_seed"]), (None, ["ofi_seed"]), (0, [])]


def test_a_lost_book_is_asked_for_once_then_with_growing_pauses() -> None:
    values = [spot(n, n, at=n / 2) for n in range(100, 200)]
    batch = play("binance", *SYNCED, *values)
    assert asked(batch) == ["no book", *["sequence"] * 5]  # at the gap, then 2, 4, 8, 16 s apart within 50 s
    assert len({json.loads(line)["since"] for line in batch.resyncs[1:]}) == 1


def test_the_pauses_are_capped() -> None:
    batch = play("binance", *(spot(n, n, at=n) for n in range(1000)), resync_max_s=8.0, hold_frames=10)
    assert 110 < len(batch.resyncs) < 130


@pytest.mark.parametrize(("limit", "bridged"), [({"hold_frames": 3}, []), ({"hold_s": 2.5}, []), ({}, [1, 2, 3, 4])])
def test_the_hold_buffer_is_bounded_by_count_and_by_age(limit: dict[str, float], bridged: list[int]) -> None:
    batch = play("binance", *(spot(n, n, at=n) for n in range(1, 5)), rest("binance", 0), **limit)
    assert [row["update_id"] for row in rows(batch)] == bridged


@pytest.mark.parametrize("ask", [99.0, 100.0])
def test_a_crossed_or_locked_book_is_a_fault_not_a_metric(ask: float) -> None:
    batch = play("binance", *SYNCED, spot(11, 11), spot(12, 12, asks=[(ask, 1)]), spot(13, 13))
    assert ([row["update_id"] for row in rows(batch)], said(batch)[1:], asked(batch)[1:]) == (
        [11],
        ["gap crossed"],
        ["crossed"],
    )


def test_the_last_book_of_a_batch_is_that_before_the_fault() -> None:
    batch = play("binance", *SYNCED, spot(11, 11, bids=[(99, 7)]), spot(12, 12, asks=[(99, 1)]))
    assert batch.book and json.loads(batch.book)["bids"] == [[100, 1], [99, 7]]


def test_a_crossed_snapshot_is_as_good_as_none() -> None:
    crossed = rest("binance", 11, bids=[(101, 1)], asks=[(101, 1)])
    batch = play("binance", spot(9, 11), crossed, spot(12, 12), rest("binance", 11), spot(13, 13))
    assert [row["update_id"] for row in rows(batch)] == [12, 13]


def test_the_first_of_two_connections_is_applied_and_the_echo_skipped() -> None:
    values = [spot(n, n, conn=conn) for n in (11, 12, 13) for conn in "ab"]
    batch = play("binance", *SYNCED, *values)
    assert ([row["update_id"] for row in rows(batch)], batch.counts.skipped) == ([11, 12, 13], 4)


def test_a_reconnect_that_chains_needs_no_snapshot() -> None:
    values = [spot(11, 11), event("binance", "disconnected"), spot(12, 12, conn="b")]
    batch = play("binance", *SYNCED, *values)
    assert said(batch) == ["synced snapshot", STALE, RESUMED]
    assert [row["flags"] for row in rows(batch)] == [["ofi_seed"], []]


def test_a_hole_in_the_envelope_count_does_not_drop_a_book_whose_ids_chain() -> None:
    assert ids(*SYNCED, spot(11, 11, seq=5), spot(12, 12, seq=90)) == [11, 12]


def test_the_book_is_stale_only_when_the_last_live_connection_is_gone() -> None:
    gone_a, gone_b = (event("binance", "disconnected", conn=conn) for conn in "ab")
    batch = play("binance", *SYNCED, spot(11, 11), spot(12, 12, conn="b"), gone_a, gone_b, gone_b)
    assert said(batch) == ["synced snapshot", STALE]


def test_a_connection_that_died_without_a_word_does_not_hide_that_the_last_is_gone() -> None:
    gone = event("binance", "disconnected", conn="b", at=90)
    assert said(play("binance", *SYNCED, spot(11, 11), spot(12, 12, conn="b", at=89), gone))[-1] == STALE


def test_the_disconnect_of_a_connection_that_brought_no_book_says_nothing() -> None:
    assert said(play("binance", *SYNCED, event("binance", "disconnected", conn="trades"))) == ["synced snapshot"]


def test_silence_is_said_once_an_episode() -> None:
    opened = keeper("binance")
    opened.apply_all(SYNCED)
    line = opened.stale(7_000)
    assert line and json.loads(line)["event_time"] == 7_000
    assert (opened.stale(8_000), said(opened.apply_all([spot(11, 11)]))) == (None, [RESUMED])
    assert opened.stale(9_000) is not None


def test_a_book_that_was_never_live_is_not_stale() -> None:
    assert keeper("binance").stale(7_000) is None


def test_futures_metrics_carry_the_matching_time() -> None:
    batch = play("binance_usdm", rest("binance_usdm", 10), usdm(10, 15, 20, at=1))
    row = rows(batch)[0]
    assert (row["event_time"], row["recv_us"]) == (1_767_225_600_995, 1_767_225_601_000_000)


def test_a_futures_update_that_ends_at_the_snapshot_is_applied() -> None:
    batch = play("binance_usdm", usdm(5, 8, 10), usdm(10, 15, 20), rest("binance_usdm", 10))
    assert [row["update_id"] for row in rows(batch)] == [10, 20]


def test_a_futures_snapshot_alone_is_not_live_until_an_update_meets_it() -> None:
    opened = keeper("binance_usdm")
    assert not said(opened.apply_all([usdm(5, 8, 9), rest("binance_usdm", 10)])) and not opened.live
    assert said(opened.apply_all([usdm(9, 11, 12)])) == ["synced snapshot"] and opened.live


def test_a_futures_update_after_the_hole_of_the_snapshot_is_held_for_the_next_one() -> None:
    values = [usdm(5, 8, 9), rest("binance_usdm", 10), usdm(11, 12, 13), rest("binance_usdm", 12), usdm(13, 20, 21)]
    assert [row["update_id"] for row in rows(play("binance_usdm", *values))] == [13, 21]


def test_a_futures_snapshot_between_two_updates_is_sound_and_counted() -> None:
    batch = play("binance_usdm", rest("binance_usdm", 10), usdm(9, 12, 13))
    assert (len(batch.processed), batch.counts.surprises) == (1, 1)


def test_a_futures_gap_is_told_by_the_previous_id() -> None:
    values = [rest("binance_usdm", 10), usdm(10, 15, 20), usdm(21, 22, 23)]
    assert said(play("binance_usdm", *values)) == ["synced snapshot", GAP]


def test_an_update_from_the_future_is_rejected_and_changes_nothing() -> None:
    late = spot(12, 12, bids=[(100, 9)], at=3700).replace(b"1767229300000000", b"1767225600000000")
    batch = play("binance", *SYNCED, spot(11, 11), late, spot(12, 12))
    assert "at most 3600000 ms past receipt" in reasons(batch)[0]
    assert rows(batch)[-1]["best_bid_size"] == 1


def test_counts_add_up() -> None:
    batch = play("binance", *SYNCED, spot(11, 11), spot(11, 11), None, event("binance", "connected"))
    expected = Counts(frames=6, held=1, snapshots=1, skipped=2, applied=1, rejected=1, events=1, resyncs=1)
    assert batch.counts == expected
