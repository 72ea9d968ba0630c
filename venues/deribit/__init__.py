"""Deribit: perpetuals, futures and options over JSON-RPC. See docs/venues/deribit.md."""

from core.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES
from market.options.feed import OptionFeed
from venues.deribit.book_sync import DeribitBookSync
from venues.deribit.classify import classify_deribit, recognise_deribit
from venues.deribit.instruments import index_names, parse_name, size_unit, underlying
from venues.deribit.option_messages import parse
from venues.deribit.protocol import DERIBIT
from venues.venue import Venue

OPTION_FEED = OptionFeed(parse, parse_name, underlying, index_names)
VENUES = (
    Venue(
        id="deribit",
        protocol=DERIBIT,
        open_classifier=lambda: classify_deribit,
        channels={
            "book": RAW_BOOKS,
            "trades": RAW_TRADES,
            "ticker": RAW_OPTIONS,
            "incremental_ticker": RAW_OPTIONS,
            "instrument": RAW_OPTIONS,
            "index": RAW_OPTIONS,
            "markprice": RAW_OPTIONS,
            "book_summary": RAW_OPTIONS,
        },
        open_book_sync=DeribitBookSync,
        recognise=recognise_deribit,
        cryptofeed_name="DERIBIT",
        options=OPTION_FEED,
        size_unit=size_unit,
    ),
)
