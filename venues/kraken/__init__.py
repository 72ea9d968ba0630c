"""Kraken spot, WebSocket v2. See docs/venues/kraken.md."""

from core.topics import RAW_BOOKS, RAW_TRADES
from venues.kraken.book_sync import KrakenBookSync
from venues.kraken.classify import KrakenClassifier, recognise_kraken
from venues.kraken.protocol import KRAKEN
from venues.venue import Venue

VENUES = (
    Venue(
        id="kraken",
        protocol=KRAKEN,
        open_classifier=KrakenClassifier,
        open_sized_classifier=KrakenClassifier,
        channels={"book": RAW_BOOKS, "trade": RAW_TRADES},
        open_book_sync=KrakenBookSync,
        recognise=recognise_kraken,
        cryptofeed_name="KRAKEN",
    ),
)
