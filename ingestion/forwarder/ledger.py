"""What is known of streams and connections across reconnects: the numbers behind /ready and /metrics.

Plain counters, written by the event loop alone and read at scrape time: a frame costs an addition, not a metrics call.
"""

from collections import Counter
from collections.abc import Iterator

from ingestion.forwarder.dialects import Stream
from ingestion.routing import route
from market.topics import RAW_BOOKS, RAW_OPTIONS, RAW_TRADES


class StreamRecord:
    """One stream: `frames` forwarded, receive time of the newest (`last_us`, 0: none yet), how many sessions carry it.

    `may_lapse`: a refusal lets the stream go instead of stopping the forwarder, because it was granted before or
    because nobody named it (options found by discovery).
    """

    __slots__ = ("frames", "last_us", "live", "may_lapse")

    def __init__(self) -> None:
        self.frames = 0
        self.last_us = 0
        self.live = 0
        self.may_lapse = False


class LinkRecord:
    """One place for a connection: whether one stands, how often one was lost."""

    __slots__ = ("connected", "disconnects")

    def __init__(self) -> None:
        self.connected = False
        self.disconnects = 0


class Ledger:
    """All counters of one forwarder."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.streams: dict[Stream, StreamRecord] = {}
        self.links: dict[str, LinkRecord] = {}
        self.unreadable: Counter[str] = Counter()  # frames that were not the venue's JSON, by symbol ("": unknown)
        self.losses: Counter[str] = Counter()  # books that the job reported lost, by symbol
        self.dropped: Counter[str] = Counter()  # frames let go because queue and disk were full, by symbol

    def stream(self, stream: Stream) -> StreamRecord:
        """The record of a stream, made when it is new."""
        return self.streams.setdefault(stream, StreamRecord())

    def link(self, name: str) -> LinkRecord:
        """The record of a connection's place, made when it is new."""
        return self.links.setdefault(name, LinkRecord())

    def forget(self, streams: frozenset[Stream]) -> None:
        """Streams that are no longer wanted: expired options."""
        for stream in streams:
            self.streams.pop(stream, None)

    def frames_by_topic(self, topic: str) -> Counter[str]:
        """Frames forwarded to a topic, by symbol."""
        counts: Counter[str] = Counter()
        for stream, record in self.streams.items():
            if topic_of(self.venue, stream) == topic:
                counts[stream.symbol] += record.frames
        return counts

    def unready(self, now_us: int, within_us: int) -> Iterator[str]:
        """Why not ready, one text a symbol: not subscribed, or no frame within the time.

        A symbol is as fresh as the freshest of its streams: an hour without a trade is no fault. A stream without books
        or trades (instruments of a chain) need not speak.
        """
        if not self.streams:
            yield "nothing is subscribed yet"
        fresh: dict[str, int] = {}
        for stream, record in self.streams.items():
            if not record.live:
                yield f"{stream.symbol} {stream.channel}: not subscribed"
            if topic_of(self.venue, stream) in (RAW_BOOKS.name, RAW_TRADES.name):
                fresh[stream.symbol] = max(fresh.get(stream.symbol, 0), record.last_us)
        for symbol, last_us in fresh.items():
            if now_us - last_us > within_us:
                age = f"{(now_us - last_us) / 1e6:.0f} s old" if last_us else "missing"
                yield f"{symbol}: newest frame {age}, expected within {within_us / 1e6:.0f} s"


def topic_of(venue: str, stream: Stream) -> str:
    """The raw topic that a stream's frames go to."""
    return route(venue, stream.channel, stream.symbol).topic


def has_book(venue: str, stream: Stream) -> bool:
    """Whether a stream is one of those that make a book."""
    return topic_of(venue, stream) == RAW_BOOKS.name


def is_told_of(venue: str, stream: Stream) -> bool:
    """Whether connection events are written for a stream's symbol: not for options, as every ticker is whole."""
    return topic_of(venue, stream) != RAW_OPTIONS.name
