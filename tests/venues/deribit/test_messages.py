"""Deribit's book and trade messages, and its errors."""

import pytest

from core.envelope import InvalidRecord
from market.orderbook.feed_types import ChannelKind
from venues.deribit import messages

KINDS = [
    ("book.100ms", ChannelKind.BOOK),
    ("book.raw", ChannelKind.BOOK),
    ("book.agg2", ChannelKind.BOOK),
    ("trades.raw", ChannelKind.TRADES),
    ("book.none.20.100ms", ChannelKind.PARTIAL),
    ("ticker.100ms", None),
]


@pytest.mark.parametrize(("channel", "kind"), KINDS)
def test_a_channel_has_one_kind_of_frame(channel: str, kind: ChannelKind | None) -> None:
    assert messages.channel_kind(channel) is kind


HEARTBEAT = b'{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}'


@pytest.mark.parametrize("frame", [HEARTBEAT, b'{"jsonrpc":"2.0","id":1,"result":["book.X.100ms"]}'])
def test_heartbeats_and_replies_hold_no_event(frame: bytes) -> None:
    assert messages.parse(ChannelKind.BOOK, frame, "BTC-PERPETUAL") is None


def test_an_error_is_rejected_with_its_text() -> None:
    with pytest.raises(InvalidRecord, match="raw_subscriptions_not_available"):
        messages.parse(
            ChannelKind.BOOK, b'{"id":1,"error":{"message":"raw_subscriptions_not_available"}}', "BTC-PERPETUAL"
        )


TRADES = (
    b'{"method":"subscription","params":{"channel":"trades.BTC-PERPETUAL.raw","data":[{"trade_seq":5,"trade_id":"9",'
    b'"timestamp":8,"instrument_name":"BTC-PERPETUAL","price":2.5,"amount":10.0,"direction":"sell","tick_direction":0}]}}'
)


def test_trades_count_by_their_sequence_within_the_instrument() -> None:
    assert messages.parse(ChannelKind.TRADES, TRADES, "BTC-PERPETUAL") == [("trades", 5, "9", 8, 2.5, 10.0, False)]


def test_a_trade_of_another_instrument_is_rejected() -> None:
    with pytest.raises(InvalidRecord, match="expected symbol ETH-PERPETUAL, got BTC-PERPETUAL"):
        messages.parse(ChannelKind.TRADES, TRADES, "ETH-PERPETUAL")
