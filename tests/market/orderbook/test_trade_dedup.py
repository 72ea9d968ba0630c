"""Each trade passes once, in any order of arrival on two connections."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.orderbook.book_batch import Batch
from market.orderbook.trade_dedup import MAX_GAPS, TradeDeduplicator
from tests.market.orderbook.builders import OPEN, build_batch, envelope, reject_reasons


def passed(*numbers: int) -> list[int]:
    """The numbers that were new on arrival."""
    state = TradeDeduplicator()
    return [number for number in numbers if state.add_if_new("trade", number, 1)]


def test_a_repeated_id_passes_once() -> None:
    assert passed(5, 6, 6, 5, 7) == [5, 6, 7]


def test_an_early_id_does_not_hide_the_ids_it_overtook() -> None:
    assert passed(5, 9, 7, 7, 6, 8, 9, 5) == [5, 9, 7, 6, 8]


def test_ids_just_below_the_first_one_still_pass() -> None:
    assert passed(100, 99, 98, 99) == [100, 99, 98]


def test_an_id_far_below_the_first_one_counts_as_seen() -> None:
    assert passed(10_000, 5) == [10_000]


def test_the_oldest_gaps_are_forgotten_beyond_the_limit() -> None:
    seen = list(range(0, 4 * MAX_GAPS, 2))
    assert passed(*seen, 1, 4 * MAX_GAPS - 3) == [*seen, 4 * MAX_GAPS - 3]


def test_streams_have_ids_of_their_own() -> None:
    state = TradeDeduplicator()
    assert state.add_if_new("trade", 5, 1) and state.add_if_new("aggTrade", 5, 1)
    assert not state.add_if_new("trade", 5, 1)


@given(st.lists(st.integers(1_000, 1_040)))
def test_ids_near_each_other_pass_exactly_once(numbers: list[int]) -> None:
    assert passed(*numbers) == list(dict.fromkeys(numbers))


def spot_trade(number: int, stream: str = "trade", traded: int = OPEN, **fields: Any) -> bytes:
    data = {"e": stream, "E": OPEN, "s": "ETHUSDT", "p": "2683.80", "q": "0.5", "T": traded, "m": True}
    data |= {"t" if stream == "trade" else "a": number} | fields
    return envelope("binance", {"stream": f"ethusdt@{stream}", "data": data}, stream)


def trades(batch: Batch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in batch.trades]


def test_a_trade_record_has_the_takers_side_and_the_trades_own_time() -> None:
    (trade,) = trades(build_batch("binance", spot_trade(7, traded=OPEN - 3)))
    assert (trade["trade_id"], trade["price"], trade["size"], trade["side"]) == ("7", 2683.8, 0.5, "sell")
    assert trade["event_time"] == OPEN - 3


def test_a_repetition_on_a_second_connection_is_counted_and_dropped() -> None:
    batch = build_batch("binance", spot_trade(7), spot_trade(8), spot_trade(7), spot_trade(7, "aggTrade", f=1, l=1))
    assert (len(batch.trades), batch.counts.repeated_trades) == (3, 1)


def test_a_trade_without_size_is_ignored_and_one_from_the_future_rejected() -> None:
    batch = build_batch("binance", spot_trade(7, q="0"), spot_trade(8, traded=OPEN + 3_600_001))
    assert not batch.trades and batch.counts.ignored == 1
    assert "at most 3600000 ms past receipt" in reject_reasons(batch)[0]


def deribit_trade(sequence: int) -> dict[str, Any]:
    named = {"trade_seq": sequence, "trade_id": f"T{sequence}", "timestamp": OPEN, "instrument_name": "BTC-PERPETUAL"}
    return named | {"price": 5.5, "amount": 10.0, "direction": "buy", "mark_price": 5.4}


def test_deribit_trades_come_several_in_a_frame_and_keep_their_own_ids() -> None:
    data = {"channel": "trades.BTC-PERPETUAL.raw", "data": [deribit_trade(n) for n in (3, 4, 3)]}
    batch = build_batch("deribit", envelope("deribit", {"method": "subscription", "params": data}, "trades.raw"))
    assert [(trade["trade_id"], trade["side"]) for trade in trades(batch)] == [("T3", "buy"), ("T4", "buy")]


@pytest.mark.parametrize(
    "mark", [{"block_trade_id": "BLOCK-1"}, {"block_rfq_id": 3}, {"combo_trade_id": 177.0}], ids=str
)
def test_trades_outside_the_book_of_deribit_are_counted_and_not_published(mark: dict[str, Any]) -> None:
    ordinary = [deribit_trade(1) | {"block_trade_id": None}, deribit_trade(3) | {"liquidation": "T"}]
    data = {"channel": "trades.BTC-PERPETUAL.raw", "data": [ordinary[0], deribit_trade(2) | mark, ordinary[1]]}
    batch = build_batch("deribit", envelope("deribit", {"method": "subscription", "params": data}, "trades.raw"))
    assert [trade["trade_id"] for trade in trades(batch)] == ["T1", "T3"]
    assert (batch.counts.off_book_trades, batch.counts.ignored, batch.rejects) == (1, 0, [])


def test_a_frame_with_one_bad_trade_is_rejected_as_a_whole() -> None:
    data = {"channel": "trades.BTC-PERPETUAL.raw", "data": [deribit_trade(3), deribit_trade(4) | {"price": -1}]}
    batch = build_batch("deribit", envelope("deribit", {"method": "subscription", "params": data}, "trades.raw"))
    assert not batch.trades and len(batch.rejects) == 1
