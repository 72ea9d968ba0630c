"""Units in which venues count sizes."""

import re

QUOTES = re.compile("(?:USDT|USDC|FDUSD|TUSD|BUSD|USD|EUR|GBP|JPY|BTC|ETH)$")
PARTS = re.compile("[-_/]")


def base_coin(symbol: str) -> str:
    """Coin that a symbol trades: BTC of BTCUSDT, BTCUSDT_260327, BTC/USD and BTC-USD.

    The symbol itself where no quote currency is known.
    """
    head, *rest = PARTS.split(symbol.upper())
    dated = bool(rest) and rest[0].isdigit()
    return head if rest and not dated else QUOTES.sub("", head) or head
