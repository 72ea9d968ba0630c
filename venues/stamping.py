"""Adds connection, sequence number and receive time to frames: raw records."""

from collections.abc import Collection, Iterator
from zlib import crc32

from msgspec import UNSET, Raw, UnsetType

from core.records import ConnectionEvent, Envelope
from core.topics import RAW_BOOKS
from venues.routing import route


class _Counter:
    """Sequence number of the next record of one topic and symbol."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next = 0


class Stamper:
    """Gives the frames of one connection their `conn` and `seq`. State: one counter per topic and symbol."""

    def __init__(self, venue: str, conn: str) -> None:
        self.venue = venue
        self.conn = conn
        self._by_stream: dict[tuple[str, str], _Counter] = {}  # channel and symbol: one look-up per frame
        self._by_topic: dict[tuple[str, str], _Counter] = {}

    def stamp(self, channel: str, symbol: str, recv_us: int, frame: bytes) -> Envelope:
        """Envelope around `frame`, which must be JSON and is not changed by a byte."""
        return Envelope(self.venue, channel, symbol, self.conn, self._seq(channel, symbol), recv_us, Raw(frame))

    def text(self, channel: str, symbol: str, recv_us: int, frame: bytes) -> Envelope:
        """Envelope around a frame that is not JSON; bytes that are not UTF-8 are replaced."""
        text = frame.decode(errors="replace")
        return Envelope(self.venue, channel, symbol, self.conn, self._seq(channel, symbol), recv_us, frame_text=text)

    def event(self, event: ConnectionEvent, symbol: str, recv_us: int, frames: int | UnsetType = UNSET) -> Envelope:
        """Event of the connection, for one symbol that it carries; `frames` belongs to `dropped`."""
        seq = self._seq("connection", symbol)
        return Envelope(self.venue, "connection", symbol, self.conn, seq, recv_us, event=event, frames=frames)

    def resubscribed(self, channel: str, symbol: str) -> None:
        """Restart at 0: the frames that follow belong to a new subscription."""
        self._counter(channel, symbol).next = 0

    def skip_number(self, symbols: Collection[str] | None = None) -> None:
        """Skip a number of each symbol that a lost frame may have belonged to; None: of every symbol."""
        for (_, symbol), counter in self._by_topic.items():
            if symbols is None or symbol in symbols:
                counter.next += 1

    def events(self, event: ConnectionEvent, recv_us: int) -> Iterator[Envelope]:
        """Event of the connection for each symbol of which it brought book frames."""
        for topic, symbol in list(self._by_topic):
            if topic == RAW_BOOKS.name:
                yield self.event(event, symbol, recv_us)

    def _seq(self, channel: str, symbol: str) -> int:
        counter = self._by_stream.get((channel, symbol)) or self._counter(channel, symbol)
        seq = counter.next
        counter.next = seq + 1
        return seq

    def _counter(self, channel: str, symbol: str) -> _Counter:
        topic = route(self.venue, channel, symbol).topic
        counter = self._by_topic.setdefault((topic, symbol), _Counter())
        return self._by_stream.setdefault((channel, symbol), counter)


def connection_id(*names: str) -> str:
    """Connection id from names: opaque like a forwarder's random one, the same every time a recording is played."""
    return f"{crc32('/'.join(names).encode()):08x}"
