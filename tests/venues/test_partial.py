"""Partial books: complete small snapshots with a flag of their own; what cannot be told apart is refused by name."""

import json
from typing import Any

import pytest

from market.orderbook.book_config import BookConfig
from tests.market.orderbook.builders import (
    OPEN,
    SYMBOLS,
    Levels,
    batches_with_restores,
    build_batch,
    combined_output,
    deribit,
    envelope,
    quoted_levels,
    reject_reasons,
    rest_snapshot,
    rows,
    spot,
    statuses,
    usdm,
)
from venues.registry import VENUES as ALL_VENUES
from venues.registry import open_builder

VENUES = pytest.mark.parametrize("venue", ["binance", "binance_usdm", "deribit"])


def partial(venue: str, number: int, bid: float = 100, at: float = 0, **where: Any) -> bytes:
    """Two levels a side."""
    bids, asks = [(bid, 1), (bid - 1, 2)], [(bid + 1, 1), (bid + 2, 2)]
    if venue == "deribit":
        data = {"timestamp": OPEN + int(at * 1000), "instrument_name": SYMBOLS[venue], "change_id": number}
        params = {"channel": "book.BTC-PERPETUAL.none.10.100ms", "data": data | {"bids": bids, "asks": asks}}
        return envelope(venue, {"method": "subscription", "params": params}, "book.none.10.100ms", at, **where)
    return envelope(venue, {"stream": "x@depth5", "data": _depth(venue, number, bids, asks, at)}, "depth5", at, **where)


def _depth(venue: str, number: int, bids: Levels, asks: Levels, at: float) -> dict[str, Any]:
    if venue == "binance":
        return {"lastUpdateId": number, "bids": quoted_levels(bids), "asks": quoted_levels(asks)}
    time = OPEN + int(at * 1000)
    data = {
        "e": "depthUpdate",
        "E": time,
        "T": time,
        "s": SYMBOLS[venue],
        "U": number - 1,
        "u": number,
        "pu": number - 2,
    }
    return data | {"b": quoted_levels(bids), "a": quoted_levels(asks)}


@VENUES
def test_every_partial_message_is_the_book_and_has_its_flag(venue: str) -> None:
    batch = build_batch(venue, *(partial(venue, 10 * n, 100 + n, n) for n in range(1, 4)))
    assert [(row["update_id"], row["best_bid"], row["levels_bid"]) for row in rows(batch)] == [
        (10, 101, 2),
        (20, 102, 2),
        (30, 103, 2),
    ]
    assert all("partial" in row["flags"] for row in rows(batch)) and statuses(batch) == ["synced snapshot"]
    assert rows(batch)[-1]["ofi"] is not None


@VENUES
def test_copies_and_late_messages_of_another_connection_are_skipped(venue: str) -> None:
    values = [
        value
        for n in range(2, 51)
        for value in (partial(venue, n, n + 100, n), partial(venue, n, n + 100, n, conn="b"))
    ]
    batch = build_batch(venue, *values, partial(venue, 49, at=50))
    assert (len(batch.processed), batch.counts.skipped, statuses(batch)) == (49, 50, ["synced snapshot"])


@VENUES
def test_repeated_messages_confirm_a_quiet_book(venue: str) -> None:
    first = json.loads(partial(venue, 5))
    quiet = [json.dumps(first | {"recv_us": (OPEN + n * 1000) * 1000}).encode() for n in range(100)]
    assert statuses(build_batch(venue, *quiet)) == ["synced snapshot"]


@VENUES
def test_repeated_messages_make_no_second_record(venue: str) -> None:
    first = json.loads(partial(venue, 5))
    repeated = [json.dumps(first | {"recv_us": (OPEN + n * 1600) * 1000}).encode() for n in range(4)]
    batch = build_batch(venue, *repeated)
    assert (len(batch.processed), batch.counts.skipped) == (1, 3)


@pytest.mark.parametrize("ahead_s", [-3_000, -2, 2, 3_000])
def test_late_messages_of_a_host_with_another_clock_are_skipped(ahead_s: int) -> None:
    values = [partial("binance", n, 100 + n, n / 10) for n in range(100)]
    for n in range(2, 100):  # 200 ms behind
        values.insert(2 * n - 1, partial("binance", n - 2, 98 + n, n / 10 + ahead_s, conn="b"))
    batch = build_batch("binance", *values)
    assert [row["update_id"] for row in rows(batch)] == list(range(100))
    assert (batch.counts.skipped, statuses(batch)) == (98, ["synced snapshot"])


@VENUES
def test_ids_that_begin_anew_are_the_book(venue: str) -> None:
    batch = build_batch(venue, partial(venue, 1000, 100, 0), partial(venue, 5, 60, 3), partial(venue, 6, 61, 4))
    assert [row["best_bid"] for row in rows(batch)] == [100, 60, 61]


@VENUES
def test_the_whole_book_of_another_channel_goes_before(venue: str) -> None:
    whole = {
        "binance": [rest_snapshot("binance", 10), spot(11, 11)],
        "binance_usdm": [rest_snapshot("binance_usdm", 10), usdm(9, 10, 11)],
        "deribit": [deribit(10, bids=[(100, 1)], asks=[(101, 1)])],
    }[venue]
    batch = build_batch(venue, *whole, partial(venue, 500, 90, 1))
    assert (batch.counts.skipped, rows(batch)[-1]["flags"]) == (1, ["ofi_seed"])


@VENUES
def test_updates_beside_a_partial_book_are_skipped(venue: str) -> None:
    update = {"binance": spot(11, 11), "binance_usdm": usdm(9, 10, 11), "deribit": deribit(11, 10)}[venue]
    batch = build_batch(venue, partial(venue, 10), update, partial(venue, 12, 101, 1))
    assert (len(batch.processed), batch.counts.skipped, statuses(batch)) == (2, 1, ["synced snapshot"])


@VENUES
def test_a_crossed_partial_message_is_a_gap_until_the_next(venue: str) -> None:
    crossed = partial(venue, 11, at=1).replace(b"102", b"99").replace(b"101", b"98")
    batch = build_batch(venue, partial(venue, 10), crossed, partial(venue, 12, at=2))
    assert statuses(batch) == ["synced snapshot", "gap crossed", "synced snapshot"] and batch.resyncs == []


@VENUES
def test_partial_books_survive_restores(venue: str) -> None:
    values = [partial(venue, n, 100 + n, n) for n in (2, 3, 4, 4, 5)]
    assert combined_output(batches_with_restores(venue, values, range(1, 5))) == combined_output(
        [build_batch(venue, *values)]
    )


@pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
@pytest.mark.parametrize("channel", ["depth5", "depth10@500ms", "depth20@100ms"])
def test_partial_depth_can_be_subscribed(venue: str, channel: str) -> None:
    protocol = ALL_VENUES[venue].protocol
    assert protocol.has_channel(channel)
    assert venue == "binance" or protocol.path(channel) == "/public/stream"


def test_a_grouped_book_is_refused_by_name() -> None:
    batch = build_batch("deribit", envelope("deribit", {"method": "subscription"}, "book.5.10.100ms"))
    assert reject_reasons(batch)[0].startswith("book.5.10.100ms is a grouped book")


MARKETS = pytest.mark.parametrize("venue", ["binance", "binance_usdm"])


@MARKETS
@pytest.mark.parametrize("symbol", ["BTCUSD_PERP", "ETHUSD_251226"])
def test_coin_margined_contracts_are_refused_by_name(venue: str, symbol: str) -> None:
    batch = open_builder(f"{venue}:{symbol}", BookConfig()).apply_all([b"{}"])
    assert reject_reasons(batch)[0].startswith(f"{symbol} is a COIN-M contract: its sizes count contracts")


@MARKETS
@pytest.mark.parametrize("symbol", ["BTC-251123-126000-C", "DOGE-251226-0.25-P"])
def test_options_of_binance_are_refused_by_name(venue: str, symbol: str) -> None:
    batch = open_builder(f"{venue}:{symbol}", BookConfig()).apply_all([b"{}"])
    assert reject_reasons(batch) == [f"{symbol} is an option of Binance; options of Binance are not supported"]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTCUSDT_251226", "BTCUSDC"])
def test_other_contracts_are_not(symbol: str) -> None:
    assert "supported" not in reject_reasons(open_builder(f"binance_usdm:{symbol}", BookConfig()).apply_all([b"{}"]))[0]
