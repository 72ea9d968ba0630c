"""Ids of trades may begin anew: no trade is lost, and none is doubled. Recordings in which ids begin anew."""

import json
from typing import Any

import pytest

from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from tests.market.orderbook.builders import SYMBOLS, build_batch, envelope, new_builder
from tests.recorded_frames import case_path
from tests.venues.synced_books import copied


def trades(ids: range, at: float, venue: str = "binance") -> list[bytes]:
    moment = 1_767_225_600_000 + int(at * 1000)
    data = {"e": "trade", "s": SYMBOLS[venue], "p": "100", "q": "1", "m": True}
    return [envelope(venue, {"data": data | {"t": n, "T": moment + n % 100, "E": moment}}, "trade", at=at) for n in ids]


def test_trade_ids_that_begin_anew_with_later_times_are_new_trades() -> None:
    builder = new_builder("binance")
    first = builder.apply_all(trades(range(5_000, 5_003), 0))
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
