"""Which topic an envelope belongs to, and under which key: facts of `design.md` §3."""

from functools import lru_cache
from typing import NamedTuple

from market.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES, record_key

TRADE_CHANNELS = frozenset({"aggTrade", "trade", "trades"})
OPTION_CHANNELS = frozenset({"ticker", "incremental_ticker", "instrument", "index", "markprice", "book_summary"})


class Route(NamedTuple):
    """Topic name and Kafka key (text) of a raw record."""

    topic: str
    key: str


@lru_cache(maxsize=65536)
def route(venue: str, channel: str, symbol: str) -> Route:
    """Route of one stream. A channel that nobody knows goes to `orderbook.raw`, where the job says so: never dropped.

    Everything of a chain travels under `venue:underlying`, so that the chain is one ordered stream.
    """
    name = channel.partition(".")[0]
    if name in TRADE_CHANNELS:
        return Route(RAW_TRADES.name, record_key(venue, symbol))
    if name in OPTION_CHANNELS:
        return Route(RAW_OPTIONS.name, record_key(venue, underlying(symbol)))
    return Route(RAW_BOOKS.name, record_key(venue, symbol))


def underlying(symbol: str) -> str:
    """Underlying of an instrument, index or currency of Deribit: `BTC` for `BTC-27NOV26-73000-P`, `btc_usd` and `BTC`.

    A linear family keeps its quote (`XRP_USDC-30JUN23-0d625-C`, `xrp_usdc`: `XRP_USDC`): it is another chain.
    """
    return symbol.partition("-")[0].upper().removesuffix("_USD")
