"""Binance: spot (`binance`) and USD-M futures (`binance_usdm`). See docs/venues/binance.md."""

from core.topics import RAW_BOOKS, RAW_TRADES
from venues.binance import protocol
from venues.binance.bare_updates import BareUpdates
from venues.binance.book_sync import BinanceBookSync
from venues.binance.classify import (
    BinanceClassifier,
    recognise_spot,
    recognise_usdm,
    refuse_product,
)
from venues.binance.recorded_urls import symbol_of_url
from venues.binance.sequencing import SpotRule, UsdmRule
from venues.venue import Venue

CHANNELS = {
    "depth": RAW_BOOKS,
    "snapshot": RAW_BOOKS,
    "bookTicker": RAW_BOOKS,
    "aggTrade": RAW_TRADES,
    "trade": RAW_TRADES,
}
SPOT = Venue(
    id="binance",
    protocol=protocol.SPOT,
    open_classifier=lambda: BinanceClassifier().classify,
    channels=CHANNELS,
    open_book_sync=lambda symbol, *rest: BinanceBookSync(symbol, SpotRule(), *rest),
    recognise=recognise_spot,
    cryptofeed_name="BINANCE",
    symbol_of_url=symbol_of_url,
    refusal=refuse_product,
)
USDM = Venue(
    id="binance_usdm",
    protocol=protocol.USDM,
    open_classifier=lambda: BinanceClassifier(BareUpdates()).classify,
    channels=CHANNELS,
    open_book_sync=lambda symbol, *rest: BinanceBookSync(symbol, UsdmRule(), *rest),
    recognise=recognise_usdm,
    cryptofeed_name="BINANCE_FUTURES",
    symbol_of_url=symbol_of_url,
    refusal=refuse_product,
)
VENUES = (SPOT, USDM)
