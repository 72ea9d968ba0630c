"""Events of option chains in recordings, with the checks of the options job."""

from collections.abc import Iterator, Sequence
from statistics import median_low

from core.envelope import InvalidRecord, check_event_time, frame_bytes
from core.records import Envelope
from core.topics import RAW_OPTIONS
from market.options.events import Event, IndexPrice, Instrument, OptionQuote, RefusedRow
from market.options.feed import OptionFeed
from venues.registry import option_feeds
from venues.routing import route

MIN_QUOTES = 2  # rows of a reply from which on their median time counts


def option_feed(envelope: Envelope) -> OptionFeed | None:
    """Feed that reads an envelope of the options' topic; None for any other envelope."""
    if route(envelope.venue, envelope.channel, envelope.symbol).topic != RAW_OPTIONS.name:
        return None
    return option_feeds().get(envelope.venue)


def option_events(
    envelope: Envelope, feed: OptionFeed, underlying: str | None = None
) -> Iterator[Event | InvalidRecord]:
    """Events of one envelope; the reason in place of a row that cannot be used or whose time is impossible."""
    try:
        events = list(feed.parse(frame_bytes(envelope), underlying))
    except InvalidRecord as reason:
        events = [reason]
    latest_us = _latest_us(events, envelope.recv_us)
    for event in events:
        yield event if isinstance(event, InvalidRecord | Instrument) else _timed(event, latest_us)


def _latest_us(events: Sequence[Event | InvalidRecord], recv_us: int) -> int:
    """Receive time of a frame, µs, but not before the median of its quotes: files of replies have no receive time."""
    times = [event.time for event in events if isinstance(event, OptionQuote)]
    return max(recv_us, int(median_low(times)) * 1000) if len(times) >= MIN_QUOTES else recv_us


def _timed(event: OptionQuote | IndexPrice, latest_us: int) -> Event | InvalidRecord:
    if not latest_us:
        return event
    try:
        check_event_time(event.time, latest_us)
    except InvalidRecord as reason:
        return RefusedRow(str(reason), event.name if isinstance(event, OptionQuote) else event.index_name, b"")
    return event
