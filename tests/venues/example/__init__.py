"""Example: a made-up exchange whose book messages count up by one per symbol. See docs/venues/example.md."""

from core.topics import RAW_BOOKS, RAW_TRADES
from tests.venues.example.book_sync import ExampleBookSync
from tests.venues.example.classify import classify_example, recognise_example
from tests.venues.example.protocol import EXAMPLE
from venues.venue import Venue

VENUES = (
    Venue(
        id="example",
        protocol=EXAMPLE,
        open_classifier=lambda: classify_example,
        channels={"book": RAW_BOOKS, "trades": RAW_TRADES},
        open_book_sync=ExampleBookSync,
        recognise=recognise_example,
        cryptofeed_name="EXAMPLE",
    ),
)
