"""Deribit's rule, shapes and refusals."""

import pytest

from market.envelope import Unusable
from market.venues import deribit
from market.venues.deribit import BookData
from market.venues.wire import Kind, Step


def change(previous: int | None, change_id: int) -> BookData:
    return BookData("change", 1, "BTC-PERPETUAL", change_id, [], [], previous)


@pytest.mark.parametrize(("previous", "at", "step"), [(10, 15, Step.APPLY), (5, 10, Step.SKIP), (12, 15, Step.GAP)])
def test_a_change_names_its_predecessor(previous: int, at: int, step: Step) -> None:
    assert deribit.step(10, change(previous, at)) is step


@pytest.mark.parametrize("previous", [None, 0])
def test_a_change_without_a_predecessor_replaces_the_book(previous: int | None) -> None:
    assert deribit.is_snapshot(change(previous, 5))


def test_a_snapshot_with_a_predecessor_replaces_it_too() -> None:
    assert deribit.is_snapshot(BookData("snapshot", 1, "BTC-PERPETUAL", 5, [], [], 4))


KINDS = [
    ("book.100ms", Kind.BOOK),
    ("book.raw", Kind.BOOK),
    ("book.agg2", Kind.BOOK),
    ("trades.raw", Kind.TRADES),
    ("book.none.20.100ms", None),
    ("ticker.100ms", None),
]


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_what_a_channel_carries(channel: str, kind: Kind | None) -> None:
    assert deribit.kind(channel) is kind


HEARTBEAT = b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}'


@pytest.mark.parametrize("frame", [HEARTBEAT, b'{"jsonrpc":"2.0","id":1,"result":["book.X.100ms"]}'])
def test_heartbeats_and_replies_concern_no_book(frame: bytes) -> None:
    assert deribit.parse(Kind.BOOK, frame, "BTC-PERPETUAL") is None


def test_an_error_is_said_with_its_text() -> None:
    with pytest.raises(Unusable, match="raw_subscriptions_not_available"):
        deribit.parse(Kind.BOOK, b'{"id":1,"error":{"message":"raw_subscriptions_not_available"}}', "BTC-PERPETUAL")


TRADES = (
    b'{"method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"trade_seq":5,"trade_id":"9",'
    b'"timestamp":8,"instrument_name":"BTC-PERPETUAL","price":2.5,"amount":10.0,"direction":"sell","tick_direction":0}]}}'
)


def test_trades_count_by_their_sequence_within_the_instrument() -> None:
    assert deribit.parse(Kind.TRADES, TRADES, "BTC-PERPETUAL") == [("trades", 5, "9", 8, 2.5, 10.0, False)]


def test_a_trade_of_another_instrument_is_refused() -> None:
    with pytest.raises(Unusable, match="expected symbol ETH-PERPETUAL, got BTC-PERPETUAL"):
        deribit.parse(Kind.TRADES, TRADES, "ETH-PERPETUAL")
