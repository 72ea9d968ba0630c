"""One connection's conversation with a venue: a state machine without I/O.

The transport tells it what was received and what time it is; it answers with envelopes to forward and with texts to
send (`outbox`). Times are those of a monotonic clock in seconds, except `recv_us`, the receive time in epoch µs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from ingestion.forwarder.dialects import Accepted, Answer, Dialect, Leaving, Refused, Stream
from ingestion.forwarder.ledger import Ledger, has_book, is_told_of
from ingestion.forwarder.subscriptions import Outbox, SessionEnd, Subscriptions
from ingestion.labels import UnlabelledError, labeller
from ingestion.stamping import Stamper
from market.records import Envelope, Event


@dataclass(frozen=True)
class Patience:
    """Seconds of silence that end a connection: of the venue altogether, of its market data, of one answer.

    Heartbeats do not count as data: a stream can be alive, acknowledged and silent.
    """

    silence_s: float
    data_silence_s: float = 120.0
    answer_s: float = 15.0


class Session:
    """Greets, tells frames from replies, answers heartbeats, watches for silence; `streams` does the subscribing."""

    def __init__(self, dialect: Dialect, streams: Iterable[Stream], conn: str, ledger: Ledger, now: float) -> None:
        self.dialect = dialect
        self.conn = conn
        self.outbox = Outbox()
        self.leaving: str = ""  # the venue's notice that it will close
        self._ledger = ledger
        self._label = labeller(dialect.venue)
        self._stamper = Stamper(dialect.venue, conn)
        self.streams = Subscriptions(dialect, streams, ledger, self.outbox, self._stamper.resubscribed)
        self._mute = {stream for stream in self.streams.wanted if has_book(dialect.venue, stream)}
        self._heard_at = self._data_at = self._spoke_at = now

    @property
    def speaking(self) -> bool:
        """Whether every book that was wanted from the start has sent a frame."""
        return not self._mute

    def open(self) -> None:
        """The connection stands: greet and subscribe."""
        greeting = self.dialect.greeting(self.outbox.number())
        if greeting is not None:
            self.outbox.append((None, greeting))
        self.streams.open()

    def hear(self, frame: bytes, recv_us: int, now: float) -> Envelope | None:
        """The envelope of a frame; None for what is counted and not forwarded."""
        self._heard_at = now
        try:
            channel, symbol, _, kept = self._label(frame)
        except (msgspec.DecodeError, UnlabelledError, UnicodeError, RecursionError):
            return self._unreadable(frame, recv_us)
        if not kept:
            self._reply(frame)
            return None
        self._data_at = now
        stream = Stream(channel, symbol)
        record = self.streams.wanted.get(stream)
        if record is not None:
            record.frames += 1
            record.last_us = recv_us
            if self._mute:
                self._mute.discard(stream)
        return self._stamper.stamp(channel, symbol, recv_us, frame)

    def snapshot(self, symbol: str, body: bytes, recv_us: int) -> Envelope:
        """Envelope of a REST snapshot, in the order of this connection's frames."""
        return self._stamper.stamp("snapshot", symbol, recv_us, body)

    def events(self, event: Event, recv_us: int, symbols: Iterable[str] | None = None) -> Iterator[Envelope]:
        """A connection event, once for each symbol that the connection carries (or of those given)."""
        for symbol in self.symbols if symbols is None else symbols:
            yield self._stamper.event(event, symbol, recv_us)

    def dropped(self, symbol: str, frames: int, recv_us: int) -> Envelope:
        """The event that says how many frames of a symbol were let go."""
        return self._stamper.event("dropped", symbol, recv_us, frames)

    @property
    def symbols(self) -> list[str]:
        """Symbols with a book or trades on this connection, in order, once each."""
        venue = self.dialect.venue
        return list(dict.fromkeys(stream.symbol for stream in self.streams.wanted if is_told_of(venue, stream)))

    def tick(self, now: float, patience: Patience) -> None:
        """To be called every second or oftener. Raises SessionEnd when patience with a silence is at its end."""
        if now - self._heard_at > patience.silence_s:
            raise SessionEnd(f"no message for {now - self._heard_at:.1f} s")
        if self.streams.live and now - self._data_at > patience.data_silence_s:
            raise SessionEnd(f"acknowledged, but no market data for {now - self._data_at:.1f} s")
        self.streams.tick(now, patience.answer_s)
        self._keep_alive(now)

    def _keep_alive(self, now: float) -> None:
        pause = self.dialect.limits.keepalive_s
        if pause is not None and now - self._spoke_at >= pause:
            self._spoke_at = now
            text = self.dialect.keepalive(self.outbox.number())
            if text is not None:
                self.outbox.append((None, text))

    def _unreadable(self, frame: bytes, recv_us: int) -> Envelope:
        """Never dropped: it goes to the key that its bytes speak of, where the job says that it cannot be used."""
        candidates = sorted(self.streams.wanted, key=lambda stream: len(stream.symbol), reverse=True)
        upper = frame.upper()
        spoken = [stream for stream in candidates if stream.symbol.upper().encode() in upper]
        named = [s for s in spoken if s.channel.partition("@")[0].partition(".")[0].upper().encode() in upper]
        channel, symbol = next(iter(named or spoken), Stream("unreadable", ""))
        self._ledger.unreadable[symbol] += 1
        return self._stamper.text(channel, symbol, recv_us, frame)

    def _reply(self, frame: bytes) -> None:
        try:
            reply = self.dialect.hear(frame)
        except msgspec.MsgspecError:
            self._ledger.unreadable[""] += 1
            return
        if isinstance(reply, Accepted):
            self.streams.accepted(reply)
        elif isinstance(reply, Refused):
            self.streams.refused(reply)
        elif isinstance(reply, Answer):
            self.outbox.appendleft((None, reply.text))
        elif isinstance(reply, Leaving):
            self.leaving = reply.reason
