"""URLs of recorded REST replies."""

import pytest

from venues.registry import VENUES


@pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
@pytest.mark.parametrize(
    ("url", "symbol"),
    [
        ("https://x/api/v3/depth?symbol=BTCUSDT&limit=1000", "BTCUSDT"),
        ("https://x/fapi/v1/depth?limit=5&symbol=ETHUSDT", "ETHUSDT"),
        ("https://x/api/v3/exchangeInfo", None),
        ("https://x/fapi/v1/exchangeInfo?symbol=BTCUSDT", None),
        ("https://x/api/v3/trades?symbol=BTCUSDT", ""),
    ],
)
def test_the_symbol_of_a_book_is_in_its_url(venue: str, url: str, symbol: str | None) -> None:
    assert VENUES[venue].symbol_of_url(url) == symbol


@pytest.mark.parametrize("venue", ["kraken", "deribit"])
def test_other_venues_name_symbols_in_their_replies(venue: str) -> None:
    assert VENUES[venue].symbol_of_url("https://x/api/v3/depth?symbol=BTCUSDT") == ""
