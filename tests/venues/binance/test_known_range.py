"""A snapshot covers prices up to its last level: what lies beyond is unknown, and a wider snapshot comes in time."""

import json

from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from tests.market.orderbook.builders import (
    Levels,
    batches_with_restores,
    build_batch,
    combined_output,
    event,
    new_builder,
    rest_snapshot,
    resync_reasons,
    rows,
    spot,
    statuses,
    usdm,
)
from tests.recorded_frames import case_path

BEYOND, RANGE = "beyond_known_range", "known range"


def ladder(best: float, count: int, sign: int, size: float = 1) -> Levels:
    return [(best + sign * n, size) for n in range(count)]


def snapshot(last: int, count: int, mid: float = 1000, at: float = 0, size: float = 1, venue: str = "binance") -> bytes:
    """`count` levels a side, one unit apart."""
    return rest_snapshot(venue, last, ladder(mid - 1, count, -1, size), ladder(mid + 1, count, 1, size), at)


FALL = [spot(11 + n, 11 + n, bids=[(999 - n, 0)], at=1 + n) for n in range(100)]


def test_records_are_flagged_when_the_summed_levels_leave_the_range() -> None:
    batch = build_batch("binance", snapshot(10, 50), spot(11, 11, bids=[(500, 1)]), *FALL[1:50])
    assert [row["update_id"] for row in rows(batch) if BEYOND in row["flags"]][0] == 52
    flagged = build_batch("binance", snapshot(10, 50), spot(11, 11, bids=[(500, 1)]), *FALL[1:45])
    assert rows(flagged)[-1]["levels_bid"] == 7 and BEYOND in rows(flagged)[-1]["flags"]


def test_fewer_known_levels_than_the_snapshot_had_are_flagged_without_a_level_beyond() -> None:
    batch = build_batch("binance", snapshot(10, 50), *FALL[:43])
    assert [BEYOND in row["flags"] for row in rows(batch)][-3:] == [True, True, True]
    assert BEYOND not in rows(batch)[0]["flags"]


def test_a_wider_snapshot_is_requested_before_the_summed_levels_leave_the_range() -> None:
    batch = build_batch("binance", snapshot(10, 50), *FALL[:35])
    assert resync_reasons(batch) == [RANGE, RANGE] and BEYOND not in rows(batch)[-1]["flags"]
    assert resync_reasons(build_batch("binance", snapshot(10, 50), *FALL[:30])) == []


def test_a_snapshot_that_is_older_than_the_book_extends_the_range_and_keeps_the_chain() -> None:
    wider = rest_snapshot("binance", 42, ladder(967, 50, -1), ladder(1001, 50, 1, 7), at=36)
    batch = build_batch("binance", snapshot(10, 50), *FALL[:35], wider, *FALL[35:60])
    assert statuses(batch) == ["synced snapshot"] and [row["update_id"] for row in rows(batch)] == list(range(11, 71))
    assert (rows(batch)[-1]["best_bid"], rows(batch)[-1]["best_ask_size"]) == (939, 7)
    assert all(BEYOND not in row["flags"] for row in rows(batch))


def test_a_snapshot_of_a_futures_book_extends_the_range_too() -> None:
    fall = [usdm(10 + n, 11 + n, 11 + n, bids=[(999 - n, 0)], at=1 + n) for n in range(60)]
    wider = rest_snapshot("binance_usdm", 42, ladder(967, 50, -1), ladder(1001, 50, 1, 7), at=36)
    batch = build_batch("binance_usdm", snapshot(10, 50, venue="binance_usdm"), *fall[:35], wider, *fall[35:])
    assert statuses(batch) == ["synced snapshot"] and len(batch.processed) == 60
    assert rows(batch)[-1]["best_bid"] == 939


def test_held_updates_and_the_range_survive_restores() -> None:
    wider = rest_snapshot("binance", 42, ladder(967, 50, -1), ladder(1001, 50, 1, 7), at=36)
    values = [snapshot(10, 50), *FALL[:35], wider, *FALL[35:80]]
    assert combined_output(batches_with_restores("binance", values, range(1, len(values)))) == combined_output(
        [build_batch("binance", *values)]
    )


def test_a_range_that_stays_narrow_is_requested_once_a_minute() -> None:
    builder, requests = new_builder("binance"), 0
    builder.apply_all([snapshot(10, 5), spot(11, 11, bids=[(990, 1)])])
    for n in range(12, 312):
        batch = builder.apply_all([spot(n, n, bids=[(990, n)], at=n)])
        requests += len(batch.resyncs)
        if batch.resyncs:
            builder.apply_all([snapshot(n, 5, at=n)])
    assert requests == 6  # the first one again, as its answer came late, then one a minute


def test_a_shallow_snapshot_beside_a_deeper_book_in_sync_changes_nothing() -> None:
    eaten = [(999 - n, 0) for n in range(5)]
    batch = build_batch("binance", snapshot(10, 30), spot(11, 11), snapshot(15, 5), spot(12, 15), spot(16, 16, eaten))
    assert (rows(batch)[-1]["best_bid"], statuses(batch)) == (994, ["synced snapshot"])
    assert [row["update_id"] for row in rows(batch)] == [11, 15, 16]


def test_a_newer_snapshot_keeps_the_levels_beyond_its_own() -> None:
    newer = snapshot(20, 10, mid=1015)
    batch = build_batch("binance", snapshot(10, 30), spot(11, 11), newer, spot(21, 21, ladder(1014, 10, -1, 0)))
    assert rows(batch)[-1]["best_bid"] == 999


def test_a_side_with_fewer_levels_than_the_other_is_complete() -> None:
    thin = rest_snapshot("binance", 10, ladder(999, 7, -1), ladder(1001, 13, 1))
    batch = build_batch("binance", thin, spot(11, 11, bids=[(900, 1)]), spot(12, 12, bids=[(999, 0)]))
    assert not batch.resyncs and all(BEYOND not in row["flags"] for row in rows(batch))


def test_a_shallow_snapshot_in_a_recording_does_not_replace_the_book() -> None:
    rebuild = Rebuild(BookConfig())
    records = [
        json.loads(line)
        for line in rebuild.records(Recording(case_path("17-spot-bare-depth5-beside-diff.jsonl"), "binance"))
    ]
    assert (records[-1]["best_bid"], records[-1]["flags"]) == (99.95, [])


def test_best_prices_beyond_a_snapshot_are_flagged() -> None:
    values = case_path("audit/spot_beyond_depth.jsonl").read_bytes().replace(b'"symbol": "X"', b'"symbol": "ETHUSDT"')
    batch = build_batch("binance", *values.replace(b'"s": "X"', b'"s": "ETHUSDT"').splitlines())
    assert [BEYOND in row["flags"] for row in rows(batch)] == [True, True] and resync_reasons(batch) == [RANGE]


def test_updates_held_before_the_request_was_closed_are_not_applied_to_a_later_snapshot() -> None:
    stale = event("binance", "disconnected", at=33.5)
    late = rest_snapshot("binance", 44, ladder(965, 50, -1), ladder(1001, 50, 1), at=50)
    batch = build_batch("binance", snapshot(10, 50), *FALL[:33], stale, *FALL[33:40], late, FALL[40])
    assert statuses(batch) == ["synced snapshot", "stale disconnected", "synced resumed"]
    assert rows(batch)[-1]["best_bid"] == 958
