"""One exchange as data: everything that the rest of the code base looks up by a venue id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.topics import RAW_BOOKS, Topic
from market.options.feed import OptionFeed
from market.orderbook.book_sync import OpenBookSync
from venues.frame_info import Classifier
from venues.protocol import VenueProtocol, channel_name
from venues.sizes import base_coin


@dataclass(frozen=True)
class Venue:
    """One exchange, found by `venues.registry`. `id` is the `venue` of envelopes, keys, topics and settings.

    `open_classifier` makes the classifier of one connection or recording: Kraken's remembers subscribed depths.
    `channels` maps the name of a channel, without its parameters (`depth` of `depth@100ms`), to its raw topic; frames
    of other channels go to `orderbook.raw`.
    `recognise` returns the symbol of a frame that this venue sent ("" where the frame names none), and None for any
    other frame. It raises one of FRAME_ERRORS for bytes that are not JSON.
    `open_sized_classifier` makes one for recordings without acknowledgements, from the depth of every book; None if
    the frames contain the depth. It raises ValueError for a depth that the venue does not have.
    `symbol_of_url` returns the symbol in the URL of a recorded REST reply, "" if the URL names none, and None if the
    reply has no market data.
    `refusal` returns the reason why all frames of a symbol are refused, "" for an accepted symbol.
    `size_unit` returns the unit of a symbol's sizes, by default the coin that it trades.
    `cryptofeed_name` is the exchange's name in cryptofeed's recordings. `options` is None where the venue has none.
    """

    id: str
    protocol: VenueProtocol
    open_classifier: Callable[[], Classifier]
    channels: Mapping[str, Topic]
    open_book_sync: OpenBookSync
    recognise: Callable[[bytes], str | None]
    cryptofeed_name: str = ""
    options: OptionFeed | None = None
    symbol_of_url: Callable[[str], str | None] = lambda url: ""
    refusal: Callable[[str], str] = lambda symbol: ""
    size_unit: Callable[[str], str] = base_coin
    open_sized_classifier: Callable[[int], Classifier] | None = None

    def topic(self, channel: str) -> Topic:
        """Raw topic of a channel."""
        return self.channels.get(channel_name(channel), RAW_BOOKS)
