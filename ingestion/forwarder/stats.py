"""Statistics of streams and connections, kept across reconnects; source of /ready and /metrics.

They are plain counters, written by the event loop only and read when Prometheus scrapes: a frame costs one addition,
not a call of the metrics library.
"""

from collections import Counter
from collections.abc import Iterator

from core.topics import RAW_BOOKS, RAW_OPTIONS
from venues.protocol import Stream
from venues.routing import route


class StreamStats:
    """Statistics of one stream.

    `frames` counts forwarded frames, `last_recv_us` is the receive time of the newest one (0 if none), `subscriptions`
    counts the sessions on which the stream is active. `optional`: a refusal removes the stream instead of stopping the
    forwarder, because the venue has accepted it before or because discovery added it (options of a chain).
    """

    __slots__ = ("frames", "last_recv_us", "optional", "subscriptions")

    def __init__(self) -> None:
        self.frames = 0
        self.last_recv_us = 0
        self.subscriptions = 0
        self.optional = False


class ConnectionStats:
    """Statistics of one connection slot: its open sockets and the number of lost connections.

    While a connection is replaced, it and the next one are open.
    """

    __slots__ = ("disconnects", "open_sockets")

    def __init__(self) -> None:
        self.open_sockets = 0
        self.disconnects = 0

    @property
    def connected(self) -> bool:
        """True while a socket is open."""
        return self.open_sockets > 0


class ForwarderStats:
    """All statistics of one forwarder. Counters by symbol use "" for frames that name no symbol."""

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.streams: dict[Stream, StreamStats] = {}
        self.connections: dict[str, ConnectionStats] = {}
        self.invalid_frames: Counter[str] = Counter()  # frames that are not the venue's JSON, by symbol
        self.lost_books: Counter[str] = Counter()  # resync requests acted on, by symbol
        self.dropped: Counter[str] = Counter()  # frames dropped because queue and disk buffer were full, by symbol
        self.silences: Counter[Stream] = Counter()  # subscriptions renewed because the stream was silent
        self.refused_attempts: Counter[str] = Counter()  # failed attempts to connect, by connection
        self.connected_urls: set[str] = set()  # addresses at which an attempt has succeeded

    def stream(self, stream: Stream) -> StreamStats:
        """Statistics of a stream, created on first use."""
        return self.streams.setdefault(stream, StreamStats())

    def connection(self, name: str) -> ConnectionStats:
        """Statistics of a connection slot, created on first use."""
        return self.connections.setdefault(name, ConnectionStats())

    def remove(self, streams: frozenset[Stream]) -> None:
        """Remove streams that are no longer requested, such as expired options."""
        for stream in streams:
            self.streams.pop(stream, None)

    def frames_by_topic(self, topic: str) -> Counter[str]:
        """Number of frames forwarded to a topic, by symbol."""
        counts: Counter[str] = Counter()
        for stream, stats in self.streams.items():
            if topic_of(self.venue, stream) == topic:
                counts[stream.symbol] += stats.frames
        return counts

    def not_ready_reasons(self, now_us: int, max_age_us: int) -> Iterator[str]:
        """Reasons why the forwarder is not ready: streams not subscribed, books without a frame in `max_age_us`.

        Each stream of a book counts for itself: trades that arrive do not hide a book that has stopped. Streams of
        trades may be quiet, because an hour without a trade is no fault; so may options and instruments of a chain.
        """
        if not self.streams:
            yield "nothing is subscribed yet"
        for stream, stats in self.streams.items():
            if not stats.subscriptions:
                yield f"{stream.symbol} {stream.channel}: not subscribed"
            elif has_book(self.venue, stream) and now_us - stats.last_recv_us > max_age_us:
                age = f"{(now_us - stats.last_recv_us) / 1e6:.0f} s old" if stats.last_recv_us else "missing"
                expected = f"expected within {max_age_us / 1e6:.0f} s"
                yield f"{stream.symbol} {stream.channel}: newest frame {age}, {expected}"


def topic_of(venue: str, stream: Stream) -> str:
    """Raw topic of a stream's frames."""
    return route(venue, stream.channel, stream.symbol).topic


def has_book(venue: str, stream: Stream) -> bool:
    """True if order books are built from the stream's frames."""
    return topic_of(venue, stream) == RAW_BOOKS.name


def has_connection_events(venue: str, stream: Stream) -> bool:
    """True if connection events are written for the stream's symbol. Options need none: each ticker is complete."""
    return topic_of(venue, stream) != RAW_OPTIONS.name
