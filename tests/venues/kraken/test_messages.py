"""Kraken's messages, channels and refusals."""

import pytest

from core.envelope import InvalidRecord
from market.orderbook.feed_types import ChannelKind
from venues.kraken import messages


@pytest.mark.parametrize(("channel", "depth"), [("book.10", 10), ("book.1000", 1000)])
def test_the_depth_is_in_the_channel(channel: str, depth: int) -> None:
    assert (messages.channel_kind(channel), messages.depth(channel)) == (ChannelKind.BOOK, depth)


@pytest.mark.parametrize("channel", ["book.11", "book", "ticker", "book.10.1"])
def test_unknown_channels_and_depths_have_no_kind(channel: str) -> None:
    assert messages.channel_kind(channel) is None


CONTROL = [
    b'{"channel":"heartbeat"}',
    b'{"channel":"status","type":"update","data":[{"connection_id":11278572044473960836}]}',
    b'{"method":"pong","req_id":1}',
    b'{"method":"subscribe","result":{"channel":"book"},"success":true}',
]


@pytest.mark.parametrize("frame", CONTROL)
def test_heartbeats_statuses_and_acknowledgements_hold_no_event(frame: bytes) -> None:
    assert messages.parse(ChannelKind.BOOK, frame, "BTC/USD") is None


def test_a_refused_subscription_is_rejected_with_its_text() -> None:
    with pytest.raises(InvalidRecord, match="Currency pair not supported"):
        messages.parse(
            ChannelKind.BOOK, b'{"method":"subscribe","success":false,"error":"Currency pair not supported"}', "X/Y"
        )


def test_a_trade_has_the_takers_side() -> None:
    frame = (
        b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":63348.4,"qty":0.1,'
        b'"ord_type":"limit","trade_id":7,"timestamp":"1970-01-01T00:00:09.154709Z"}]}'
    )
    assert messages.parse(ChannelKind.TRADES, frame, "BTC/USD") == [("trade", 7, "7", 9154, 63348.4, 0.1, False)]
