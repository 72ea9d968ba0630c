"""Ids of updates may begin anew: the book is lost, and its next snapshot is the new book."""

import json

import pytest

from tests.market.orderbook.builders import (
    batches_with_restores,
    build_batch,
    combined_output,
    deribit,
    new_builder,
    rest_snapshot,
    resync_reasons,
    rows,
    spot,
    statuses,
    usdm,
)
from tests.venues.synced_books import copied, old_update, on, started

STALE, RESET = "stale no update applied", "gap sequence_reset"


def restarted(venue: str, count: int, at: float = 2, step: float = 0.5) -> list[bytes]:
    """Updates with ids from 1 on."""
    updates = {
        "binance": lambda n, time: spot(n, n, bids=[(60, n)], at=time),
        "binance_usdm": lambda n, time: usdm(n, n + 1, n + 1, bids=[(60, n)], at=time),
        "deribit": lambda n, time: deribit(n + 1, n, bids=[(60, n)], at=time),
    }
    return [updates[venue](n, at + n * step) for n in range(1, count + 1)]


def new_snapshot(venue: str, last: int, at: float) -> bytes:
    if venue == "deribit":
        return deribit(last, bids=[(59, 1)], asks=[(61, 1)], at=at)
    return rest_snapshot(venue, last, bids=[(59, 1)], asks=[(61, 1)], at=at)


RESETTABLE = pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])


@RESETTABLE
def test_ids_that_begin_anew_are_a_gap_and_the_next_snapshot_is_the_new_book(venue: str) -> None:
    values = [*started(venue), *restarted(venue, 8), new_snapshot(venue, 8, 6.2), *restarted(venue, 12)[7:]]
    batch = build_batch(venue, *values)
    assert statuses(batch) == ["synced snapshot", RESET, "synced snapshot"]
    assert rows(batch)[-1]["best_bid"] == 60
    gap = json.loads(batch.statuses[1])
    assert gap["expected"] >= 1000 > gap["actual"]
    assert "sequence_reset" in resync_reasons(batch)


@RESETTABLE
@pytest.mark.parametrize("copies", [("a",), ("a", "b"), ("b", "a", "b")])
def test_three_updates_that_follow_one_another_prove_at_once_that_ids_began_anew(
    venue: str, copies: tuple[str, ...]
) -> None:
    old = [value for value in restarted(venue, 3, 0.1, 0.1) for _ in copies]
    values = [on(copies[n % len(copies)], value) for n, value in enumerate(old)]
    assert statuses(build_batch(venue, *started(venue), *values[: 2 * len(copies)])) == ["synced snapshot"]
    assert statuses(build_batch(venue, *started(venue), *values)) == ["synced snapshot", RESET]


@RESETTABLE
def test_old_updates_between_which_the_book_goes_on_are_no_reset(venue: str) -> None:
    newer = {"binance": spot, "binance_usdm": usdm, "deribit": deribit}[venue]
    ids = {"binance": lambda n: (n, n), "binance_usdm": lambda n: (n - 1, n, n), "deribit": lambda n: (n, n - 1)}[venue]
    values = [
        value
        for n, old in enumerate(restarted(venue, 9, 0.15, 0.1), 1)
        for value in (newer(*ids(1000 + n), at=0.1 + n * 0.1), old)
    ]
    batch = build_batch(venue, *started(venue), *values)
    assert (statuses(batch), batch.counts.skipped) == (["synced snapshot"], 9)


@RESETTABLE
def test_a_run_of_old_updates_survives_restores(venue: str) -> None:
    values = [*started(venue), *restarted(venue, 5, 0.1, 0.1)]
    assert combined_output(batches_with_restores(venue, values, range(1, len(values)))) == combined_output(
        [build_batch(venue, *values)]
    )


@RESETTABLE
def test_old_updates_at_the_end_leave_the_ids_in_doubt(venue: str) -> None:
    builder, old = new_builder(venue), restarted(venue, 3, 0.1, 0.1)
    builder.apply_all([*started(venue), old_update(venue, 0.05)])
    assert not builder.ids_in_doubt
    builder.apply_all(old[:1])
    assert (builder.ids_in_doubt, builder.state) == (True, "in sync")
    builder.apply_all(old[1:])
    assert (builder.ids_in_doubt, builder.state) == (False, "out of sync")


@RESETTABLE
def test_copies_that_come_late_from_another_connection_are_no_reset(venue: str) -> None:
    values = [old_update(venue, at, conn="b") for at in range(1, 20)]
    assert statuses(build_batch(venue, *started(venue), *values)) == ["synced snapshot"]


@RESETTABLE
def test_a_snapshot_with_a_lower_id_that_answers_a_request_is_the_new_book(venue: str) -> None:
    values = [*started(venue), old_update(venue, 31), new_snapshot(venue, 5, 32), *restarted(venue, 9, 33)[4:]]
    batch = build_batch(venue, *values)
    assert statuses(batch) == ["synced snapshot", STALE, RESET, "synced snapshot"]
    assert rows(batch)[-1]["best_bid"] == 60


def test_a_deribit_snapshot_that_answers_a_request_is_the_new_book_whatever_its_time() -> None:
    values = [*started("deribit"), old_update("deribit", 31), copied(new_snapshot("deribit", 5, -50), 82)]
    batch = build_batch("deribit", *values)
    assert (statuses(batch), rows(batch)[-1]["best_bid"]) == (["synced snapshot", STALE, RESET, "synced snapshot"], 59)


def test_a_deribit_snapshot_with_a_lower_id_and_a_later_time_is_the_new_book() -> None:
    values = [new_snapshot("deribit", 5, 3), *restarted("deribit", 9, 3)[4:]]
    batch = build_batch("deribit", *started("deribit"), *values)
    assert statuses(batch) == ["synced snapshot", RESET, "synced snapshot"] and not batch.resyncs


@pytest.mark.parametrize(("conn", "wins"), [("a", True), ("b", False)])
def test_a_deribit_snapshot_of_the_same_connection_needs_no_margin_of_time(conn: str, wins: bool) -> None:
    batch = build_batch("deribit", *started("deribit"), on(conn, new_snapshot("deribit", 5, 0.1)))
    assert (rows(batch)[-1]["best_bid"] == 59, len(statuses(batch))) == (wins, 3 if wins else 1)


REST = pytest.mark.parametrize("venue", ["binance", "binance_usdm"])


def waiting(venue: str, at: float = 0) -> list[bytes]:
    """Updates of an older epoch, with higher ids, that wait for a snapshot."""
    if venue == "binance":
        return [spot(n, n, at=at) for n in (5000, 5001, 5002)]
    return [usdm(n - 1, n, n, at=at) for n in (5000, 5001, 5002)]


@REST
def test_waiting_updates_of_an_older_epoch_do_not_make_every_snapshot_too_old(venue: str) -> None:
    values = [*waiting(venue), *restarted(venue, 6), new_snapshot(venue, 4, 5.2)]
    batch = build_batch(venue, *values)
    assert statuses(batch) == ["synced snapshot"] and rows(batch)[-1]["best_bid_size"] == 6


@REST
def test_the_second_snapshot_that_is_too_old_wins(venue: str) -> None:
    values = [
        *waiting(venue),
        new_snapshot(venue, 4, 0.2),
        new_snapshot(venue, 4, 0.4),
        *restarted(venue, 6, 0, 0.1)[3:],
    ]
    assert statuses(build_batch(venue, *values)) == ["synced snapshot"]


@REST
def test_a_snapshot_long_after_the_waiting_updates_wins_at_once(venue: str) -> None:
    values = [*waiting(venue), new_snapshot(venue, 4, 11), *restarted(venue, 6, 11)[3:]]
    assert statuses(build_batch(venue, *values)) == ["synced snapshot"]


@REST
def test_waiting_updates_of_two_epochs_survive_restores(venue: str) -> None:
    values = [*waiting(venue), *restarted(venue, 8), *waiting(venue, 0), new_snapshot(venue, 5, 6.2)]
    assert combined_output(batches_with_restores(venue, values, range(1, len(values)))) == combined_output(
        [build_batch(venue, *values)]
    )


def test_replies_that_lag_behind_the_stream_do_not_prevent_a_book_for_long() -> None:
    builder, states = new_builder("binance"), []
    requested: list[float] = []
    for n in range(1, 600):
        at = n / 10
        batch = builder.apply_all([spot(n, n, at=at)])
        requested += [at] * len(batch.resyncs)
        states += statuses(batch)
        if requested and at >= requested[0] + 0.1:
            content = int((requested.pop(0) - 3) * 10)  # a reply that is 3 s old
            if content > 0:
                states += statuses(builder.apply_all([rest_snapshot("binance", content, at=at)]))
    assert builder.synced and len(states) < 10
