"""Stamps frames: the forwarder's half of a raw record (`venues.md` §1.1)."""

from collections import defaultdict
from zlib import crc32

from msgspec import UNSET, Raw, UnsetType

from ingestion.routing import route
from market.records import Envelope, Event


class Stamper:
    """Gives frames of one connection their `conn` and `seq`. State: one counter per topic and symbol."""

    def __init__(self, venue: str, conn: str) -> None:
        self.venue = venue
        self.conn = conn
        self._next: defaultdict[tuple[str, str], int] = defaultdict(int)

    def stamp(self, channel: str, symbol: str, recv_us: int, frame: bytes) -> Envelope:
        """Envelope around `frame`, which must be JSON and is kept to the byte."""
        return Envelope(self.venue, channel, symbol, self.conn, self._seq(channel, symbol), recv_us, Raw(frame))

    def text(self, channel: str, symbol: str, recv_us: int, frame: bytes) -> Envelope:
        """Envelope around a frame that is not JSON; bytes that are not UTF-8 are replaced."""
        text = frame.decode(errors="replace")
        return Envelope(self.venue, channel, symbol, self.conn, self._seq(channel, symbol), recv_us, frame_text=text)

    def event(self, event: Event, symbol: str, recv_us: int, frames: int | UnsetType = UNSET) -> Envelope:
        """What happened to the connection, for one symbol that it carries; `frames` goes with `dropped`."""
        seq = self._seq("connection", symbol)
        return Envelope(self.venue, "connection", symbol, self.conn, seq, recv_us, event=event, frames=frames)

    def resubscribed(self, channel: str, symbol: str) -> None:
        """Start again from 0: what follows answers a new subscription."""
        self._next.pop((route(self.venue, channel, symbol).topic, symbol), None)

    def _seq(self, channel: str, symbol: str) -> int:
        stream = (route(self.venue, channel, symbol).topic, symbol)
        seq = self._next[stream]
        self._next[stream] = seq + 1
        return seq


def connection_id(*names: str) -> str:
    """An id that is opaque like a forwarder's random one, yet the same every time a recording or a seed is played."""
    return f"{crc32('/'.join(names).encode()):08x}"
