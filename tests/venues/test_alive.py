"""A book in sync applies its updates: what arrives without being applied makes it stale."""

import json
from collections.abc import Callable
from itertools import islice, product

import msgspec
import pytest

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
from tests.venues.synced_books import copied, old_update, started
from venues.registry import open_builder

encoded = msgspec.json.Encoder().encode
VENUES = pytest.mark.parametrize("venue", SYMBOLS)
STALE = "stale no update applied"


def rejected(venue: str, at: float) -> bytes:
    return envelope(venue, {"a": "changed format"}, at=at)


def trade(venue: str, at: float) -> bytes:
    channel = {"kraken": "trade", "deribit": "trades.100ms"}.get(venue, "aggTrade")
    return envelope(venue, {"not": "read"}, channel, at=at, conn="t")


SOURCES: list[Callable[[str, float], bytes]] = [old_update, rejected, trade]


@pytest.mark.parametrize(
    ("venue", "make"), [each for each in product(SYMBOLS, SOURCES) if each != ("kraken", rejected)]
)
def test_a_book_that_applies_nothing_is_stale_after_half_a_minute(
    venue: str, make: Callable[[str, float], bytes]
) -> None:
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


def test_a_rejected_frame_of_kraken_is_a_gap() -> None:
    batch = build_batch("kraken", *started("kraken"), rejected("kraken", 1))
    assert statuses(batch) == ["synced snapshot", "gap rejected"]


@pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])
def test_frames_of_a_host_whose_clock_is_an_hour_slow_make_the_book_stale(venue: str) -> None:
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
