"""Topic and key of raw records."""

import pytest

from venues.deribit.instruments import underlying
from venues.routing import Route, route


@pytest.mark.parametrize(
    "channel", ["depth@100ms", "depth", "book.25", "book.100ms", "snapshot", "bookTicker", "connection"]
)
def test_books_their_snapshots_and_events_share_a_topic(channel: str) -> None:
    assert route("kraken", channel, "BTC/USD") == Route("orderbook.raw", "kraken:BTC/USD")


@pytest.mark.parametrize(
    ("venue", "channel"),
    [
        ("binance", "aggTrade"),
        ("binance", "trade"),
        ("binance_usdm", "aggTrade"),
        ("binance_usdm", "trade"),
        ("kraken", "trade"),
        ("deribit", "trades.raw"),
    ],
)
def test_trades_have_their_own_topic(venue: str, channel: str) -> None:
    assert route(venue, channel, "BTC-PERPETUAL") == Route("trades.raw", f"{venue}:BTC-PERPETUAL")


@pytest.mark.parametrize("channel", ["ticker.100ms", "instrument", "index", "markprice.options", "book_summary"])
def test_a_chain_is_one_stream(channel: str) -> None:
    assert route("deribit", channel, "BTC-9JUN20-9875-P") == Route("options.raw", "deribit:BTC")


@pytest.mark.parametrize(
    ("venue", "channel"), [("binance", "forceOrder"), ("binance", "ticker"), ("mtgox", "trade"), ("mtgox", "ticker")]
)
def test_an_unknown_channel_or_venue_goes_to_the_books_job_which_rejects_it(venue: str, channel: str) -> None:
    assert route(venue, channel, "BTCUSDT") == Route("orderbook.raw", f"{venue}:BTCUSDT")


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("BTC-9JUN20-9875-P", "BTC"),
        ("XRP_USDC-30JUN23-0d625-C", "XRP_USDC"),
        ("btc_usd", "BTC"),
        ("xrp_usdc", "XRP_USDC"),
    ],
)
def test_the_underlying_of_instruments_and_indices(symbol: str, expected: str) -> None:
    assert underlying(symbol) == expected
