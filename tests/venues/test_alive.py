"""A book in sync applies its updates: what arrives without being applied makes it stale, and ids may begin anew."""

import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec
import pytest

from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.frame_generator import Generator, Plan
from simulator.registry import instrument
from tests.market.orderbook.builders import (
    SYMBOLS,
    Kraken,
    batches_with_restores,
    build_batch,
    combined_output,
    deribit,
    envelope,
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
from venues.registry import open_builder

encoded = msgspec.json.Encoder().encode
VENUES = pytest.mark.parametrize("venue", SYMBOLS)
STALE, RESET = "stale no update applied", "gap sequence_reset"


def started(venue: str) -> list[bytes]:
    """A book in sync at time 0, whose newest update has id 1000."""
    return {
        "binance": [rest_snapshot("binance", 999), spot(1000, 1000)],
        "binance_usdm": [rest_snapshot("binance_usdm", 999), usdm(998, 999, 1000)],
        "deribit": [deribit(999, bids=[(100, 1)], asks=[(101, 1)]), deribit(1000, 999)],
        "kraken": [Kraken().snapshot()],
    }[venue]


def old_update(venue: str, at: float, **where: Any) -> bytes:
    """A book frame that is not applied: a copy of the newest update; on Kraken an update without a book."""
    if venue == "kraken":
        other = Kraken(where.pop("conn", "b"))
        other.seq = 3
        return other.update(bids=[(99, 1)], at=at)
    make = {"binance": (spot, 1000, 1000), "binance_usdm": (usdm, 998, 999, 1000), "deribit": (deribit, 1000, 999)}
    function, *ids = make[venue]
    return copied(function(*ids, **where), at)


def copied(value: bytes, at: float) -> bytes:
    """The same frame, received at another time."""
    record = json.loads(value)
    return json.dumps(record | {"recv_us": record["recv_us"] + int(at * 1e6)}).encode()


def on(conn: str, value: bytes) -> bytes:
    """The same frame on another connection."""
    return json.dumps(json.loads(value) | {"conn": conn}).encode()


def rejected(venue: str, at: float) -> bytes:
    return envelope(venue, {"a": "changed format"}, at=at)


def trade(venue: str, at: float) -> bytes:
    channel = {"kraken": "trade", "deribit": "trades.100ms"}.get(venue, "aggTrade")
    return envelope(venue, {"not": "read"}, channel, at=at, conn="t")


SOURCES: list[Callable[[str, float], bytes]] = [old_update, rejected, trade]


@VENUES
@pytest.mark.parametrize("make", SOURCES)
def test_a_book_that_applies_nothing_is_stale_after_half_a_minute(
    venue: str, make: Callable[[str, float], bytes]
) -> None:
    if (venue, make) == ("kraken", rejected):
        pytest.skip("a rejected frame is a gap there")
    first = build_batch(venue, *started(venue), *(make(venue, at) for at in range(1, 30)))
    assert statuses(first) == ["synced snapshot"]
    batch = build_batch(venue, *started(venue), *(make(venue, at) for at in range(1, 100)))
    assert statuses(batch) == ["synced snapshot", STALE]
    assert 4 <= resync_reasons(batch).count("no update applied") < 10


TWO_TOPICS = BookConfig(trades_in_order=False)


@VENUES
@pytest.mark.parametrize("trades_first", [True, False])
def test_a_backlog_of_two_topics_is_no_silence(venue: str, trades_first: bool) -> None:
    """After an outage of two minutes a job reads all trades of that time before the book's updates, or after them."""
    symbol = SYMBOLS[venue]
    envelopes = list(islice(Generator(Plan((instrument(venue, symbol),), rate=10)), 1600))
    outage = envelopes[0].recv_us + 20_000_000
    builder = open_builder(f"{venue}:{symbol}", TWO_TOPICS)
    assert isinstance(builder, BookBuilder)
    builder.apply_all([encoded(each) for each in envelopes if each.recv_us < outage])
    assert builder.synced
    backlog = [each for each in envelopes if each.recv_us >= outage]
    assert backlog[-1].recv_us - outage > 90_000_000
    in_order = sorted(backlog, key=lambda each: ("rade" in each.channel) != trades_first)
    batch = builder.apply_all([encoded(each) for each in in_order])
    assert (batch.statuses, batch.resyncs) == ([], []) and batch.trades and len(batch.processed) > 500


@VENUES
def test_trades_alone_leave_a_stale_book_stale_and_request_its_snapshot(venue: str) -> None:
    builder = open_builder(f"{venue}:{SYMBOLS[venue]}", TWO_TOPICS)
    assert isinstance(builder, BookBuilder)
    builder.apply_all([*started(venue), *(trade(venue, at) for at in range(1, 31))])
    assert (builder.state, statuses(builder.mark_stale(30_000) or Batch())) == ("in sync", [STALE])
    batch = builder.apply_all([trade(venue, at) for at in range(31, 100)])
    assert statuses(batch) == [] and 4 <= resync_reasons(batch).count("no update applied") < 10


@VENUES
def test_the_timer_says_if_records_arrived(venue: str) -> None:
    for last, reason in ((1, "silence"), (14, "silence"), (16, "no update applied")):
        builder = new_builder(venue)
        builder.apply_all([*started(venue), old_update(venue, 0.5), trade(venue, last)])
        batch = builder.mark_stale(30_000)
        assert batch is not None and statuses(batch) == [f"stale {reason}"]


@VENUES
def test_a_job_that_is_behind_marks_a_book_stale_by_the_clock_of_the_book(venue: str) -> None:
    builder = new_builder(venue)
    newest = rows(builder.apply_all(started(venue)))[-1]["event_time"]
    batch = builder.mark_stale(newest + 3_600_000)
    assert batch is not None
    # An hour of ticks and windows would make the rest of the backlog late.
    assert 30_000 <= json.loads(batch.statuses[0])["event_time"] - newest <= 30_100
    assert len(batch.ticks) <= 32 and len(batch.windows) <= 35


@VENUES
def test_the_time_without_updates_does_not_depend_on_batches_and_restores(venue: str) -> None:
    values = [*started(venue), *(make(venue, at) for at in range(1, 70) for make in SOURCES[::2])]
    assert combined_output(batches_with_restores(venue, values, range(1, len(values), 7))) == combined_output(
        [build_batch(venue, *values)]
    )


def test_one_frame_after_a_long_silence_is_enough_on_the_same_connection() -> None:
    assert statuses(build_batch("binance", *started("binance"), old_update("binance", 31)))[-1] == STALE


def test_events_after_a_long_silence_request_nothing() -> None:
    batch = build_batch("binance", *started("binance"), event("binance", "connected", at=31))
    assert (statuses(batch)[-1], batch.resyncs) == (STALE, [])


@pytest.mark.parametrize("offset", [-3700, -61, 61, 3700])
def test_copies_of_a_host_with_another_clock_leave_the_book_in_sync(offset: int) -> None:
    values = [
        value
        for n in range(1, 120)
        for value in (spot(1000 + n, 1000 + n, at=n), copied(spot(1000 + n, 1000 + n, at=n, conn="b"), offset))
    ]
    assert statuses(build_batch("binance", *started("binance"), *values)) == ["synced snapshot"]


@VENUES
@pytest.mark.parametrize("offset", [-3700, -61, 61, 3700])
def test_two_hosts_with_different_clocks_repeat_a_request_no_more_often_than_one(venue: str, offset: int) -> None:
    kraken = [Kraken("a"), Kraken("b")]
    values = [kraken[0].snapshot(), copied(kraken[1].snapshot(), offset)] if venue == "kraken" else started(venue)
    for feed in kraken:
        feed.seq += 5
    for n in range(1, 600):  # a minute after the loss of an update
        for feed in kraken:
            update = feed.update(bids=[(99, 1)], at=n / 10) if venue == "kraken" else lost(venue, n, conn=feed.conn)
            values.append(copied(update, offset if feed.conn == "b" else 0))
    batch = build_batch(venue, *values)
    assert 4 <= len(batch.resyncs) <= 8


def lost(venue: str, n: int, conn: str) -> bytes:
    """An update that does not follow the newest one."""
    at, number = n / 10, 2000 + n
    if venue == "binance":
        return spot(number, number, at=at, conn=conn)
    if venue == "binance_usdm":
        return usdm(number - 1, number, number, at=at, conn=conn)
    return deribit(number, number - 1, at=at, conn=conn)


@VENUES
def test_frames_of_a_host_whose_clock_is_an_hour_slow_make_the_book_stale(venue: str) -> None:
    if venue == "kraken":
        pytest.skip("a rejected frame is a gap there")
    make = {"binance": spot, "binance_usdm": usdm, "deribit": deribit}[venue]
    ids = {"binance": (1001, 1001), "binance_usdm": (1000, 1001, 1001), "deribit": (1001, 1000)}[venue]
    frames = [copied(make(*ids, at=n), -3700) for n in range(1, 40)]
    batch = build_batch(venue, *started(venue), *frames)
    assert (batch.counts.rejected, statuses(batch)[-1]) == (39, STALE)
    assert batch.resyncs


def test_connections_that_are_replaced_every_few_seconds_do_not_hide_the_silence() -> None:
    copies = [old_update("binance", at, conn=f"c{at // 5}") for at in range(1, 40)]
    assert statuses(build_batch("binance", *started("binance"), *copies))[-1] == STALE


def test_a_snapshot_that_equals_a_quiet_book_confirms_it() -> None:
    for venue in ("binance", "deribit"):
        equal = rest_snapshot(venue, 1000, at=40) if venue == "binance" else deribit(1000, at=40)
        batch = build_batch(venue, *started(venue), old_update(venue, 31), equal, old_update(venue, 50))
        assert statuses(batch) == ["synced snapshot", STALE, "synced resumed"]
        assert len(batch.resyncs) == 1


def test_a_deribit_snapshot_with_the_same_id_after_a_reconnect_resumes_the_book() -> None:
    values = [
        event("deribit", "disconnected", at=1),
        deribit(1000, at=2, conn="b"),
    ]
    resumed = build_batch("deribit", *started("deribit"), *values)
    assert statuses(resumed) == ["synced snapshot", "stale disconnected", "synced resumed"]
    batch = build_batch("deribit", *started("deribit"), *values, deribit(1001, 1000, at=3, conn="b"))
    assert statuses(batch) == statuses(resumed)
    assert [row["update_id"] for row in rows(batch)] == [999, 1000, 1001]


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


def trades(ids: range, at: float, venue: str = "binance") -> list[bytes]:
    moment = 1_767_225_600_000 + int(at * 1000)
    data = {"e": "trade", "s": SYMBOLS[venue], "p": "100", "q": "1", "m": True}
    return [envelope(venue, {"data": data | {"t": n, "T": moment + n % 100, "E": moment}}, "trade", at=at) for n in ids]


def test_trade_ids_that_begin_anew_with_later_times_are_new_trades() -> None:
    builder = new_builder("binance")
    first = builder.apply_all([*trades(range(5_000, 5_003), 0), *trades(range(5_000, 5_003), 9)[:0]])
    second = builder.apply_all([*trades(range(1, 51), 10), *trades(range(1, 51), 10)])
    assert (len(first.trades), len(second.trades)) == (3, 50)
    assert (second.counts.repeated_trades, second.counts.trade_epochs) == (50, 1)


@pytest.mark.parametrize("after_s", [0.2, 1.4, 30])
def test_no_trade_is_lost_when_ids_far_below_follow_at_once(after_s: float) -> None:
    batch = build_batch("binance", *trades(range(5_000, 5_003), 0), *trades(range(1, 51), after_s))
    assert (len(batch.trades), batch.counts.repeated_trades, batch.counts.trade_epochs) == (53, 0, 1)


def test_repeated_trades_of_the_epoch_before_stay_repeated() -> None:
    builder = new_builder("binance")
    builder.apply_all([*trades(range(5_000, 5_003), 0), *trades(range(1, 4), 10)])
    late = builder.apply_all([copied(value, 11) for value in trades(range(5_000, 5_003), 0)])
    assert (len(late.trades), late.counts.trade_epochs) == (0, 0)
    assert len(builder.apply_all(trades(range(4, 6), 12)).trades) == 2


def rebuilt(name: str, venue: str) -> tuple[Rebuild, list[dict[str, Any]]]:
    rebuild = Rebuild(BookConfig())
    return rebuild, [json.loads(line) for line in rebuild.records(Recording(case_path(name), venue))]


@pytest.mark.parametrize(
    ("name", "venue", "best_bid"),
    [("04-binance-id-reset.jsonl", "binance", 60.4), ("04c-deribit-id-reset.jsonl", "deribit", 90.2)],
)
def test_a_recording_whose_ids_begin_anew_ends_with_the_new_book(name: str, venue: str, best_bid: float) -> None:
    rebuild, records = rebuilt(name, venue)
    assert records[-1]["best_bid"] == best_bid and not rebuild.out_of_sync
    assert next(iter(rebuild.books.values())).counts.gaps == 1


def test_a_recording_whose_trade_ids_begin_anew_loses_no_trade() -> None:
    rebuild, _ = rebuilt("04d-trade-id-reset.jsonl", "binance")
    counts = next(iter(rebuild.books.values())).counts
    assert (counts.trades, counts.trade_epochs) == (53, 1)
