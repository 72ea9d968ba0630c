"""Units in which venues count sizes."""

import re

QUOTES = re.compile("(?:USDT|USDC|FDUSD|TUSD|BUSD|USD|EUR|GBP|JPY|BTC|ETH)$")
PARTS = re.compile("[-_/]")


def base_coin(symbol: str) -> str:
    """Coin that a symbol trades: BTC of BTCUSDT, BTCUSDT_260327, BTC/USD, BTC-USD and XBT/EUR.

    The symbol itself where no quote currency is known. The dashboard has the same rule in lib/symbols.js.
    """
    head, *rest = PARTS.split(symbol.upper())
    dated = bool(rest) and re.fullmatch("[0-9]+", rest[0]) is not None
    coin = head if rest and not dated else QUOTES.sub("", head) or head
    return "BTC" if coin == "XBT" else coin
