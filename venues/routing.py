"""Topic and key of raw records."""

from functools import lru_cache
from typing import NamedTuple

from core.topics import RAW_BOOKS, RAW_OPTIONS, record_key
from venues.registry import VENUES


class Route(NamedTuple):
    """Topic name and Kafka key (text) of a raw record."""

    topic: str
    key: str


@lru_cache(maxsize=65536)
def route(venue_id: str, channel: str, symbol: str) -> Route:
    """Route of one stream. An unknown venue or channel goes to `orderbook.raw`, where the books job rejects it.

    All streams of an option chain share the key `venue:underlying`, so that the chain is one ordered stream.
    """
    venue = VENUES.get(venue_id)
    topic = RAW_BOOKS if venue is None else venue.topic(channel)
    if topic is RAW_OPTIONS and venue is not None and venue.options is not None:
        return Route(topic.name, record_key(venue_id, venue.options.underlying(symbol)))
    return Route(topic.name, record_key(venue_id, symbol))
