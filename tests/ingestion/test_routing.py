"""Which topic and key an envelope gets."""

import pytest

from ingestion.routing import Route, route, underlying


@pytest.mark.parametrize(
    "channel", ["depth@100ms", "depth", "book.25", "book.100ms", "snapshot", "bookTicker", "connection"]
)
def test_books_and_what_belongs_to_them_share_a_topic(channel: str) -> None:
    assert route("kraken", channel, "BTC/USD") == Route("orderbook.raw", "kraken:BTC/USD")


@pytest.mark.parametrize("channel", ["aggTrade", "trade", "trades.raw"])
def test_trades_have_their_own_topic(channel: str) -> None:
    assert route("deribit", channel, "BTC-PERPETUAL") == Route("trades.raw", "deribit:BTC-PERPETUAL")


@pytest.mark.parametrize("channel", ["ticker.100ms", "instrument", "index", "markprice.options", "book_summary"])
def test_a_chain_is_one_stream(channel: str) -> None:
    assert route("deribit", channel, "BTC-9JUN20-9875-P") == Route("options.raw", "deribit:BTC")


def test_an_unknown_channel_goes_where_a_job_will_say_so() -> None:
    assert route("binance", "forceOrder", "BTCUSDT").topic == "orderbook.raw"


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
