"""One connection's conversation with a venue: a state machine without I/O.

The transport tells it what was received and what time it is; it answers with envelopes to forward and with texts to
send (`outbox`). Times are those of a monotonic clock in seconds, except `recv_us`, the receive time in epoch µs.

    SessionEnd      the connection must go, and another be made
    FatalRefusal    the venue will never grant this: asking again would be refused again
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import msgspec

from ingestion.forwarder.dialects import Accepted, Answer, Dialect, Leaving, Refused, Stream
from ingestion.forwarder.dialects.dialect import batches
from ingestion.forwarder.ledger import Ledger, StreamRecord, has_book, is_told_of
from ingestion.labels import UnlabelledError, labeller
from ingestion.stamping import Stamper
from market.errors import UserError
from market.records import Envelope, Event


@dataclass(frozen=True)
class Patience:
    """Seconds of silence that end a connection: of the venue altogether, of its market data, of one answer.

    Heartbeats do not count as data: a stream can be alive, acknowledged and silent.
    """

    silence_s: float
    data_silence_s: float = 120.0
    answer_s: float = 15.0


class SessionEnd(Exception):
    """Why the connection must go."""


class FatalRefusal(UserError):
    """The venue refuses what the user asked for."""


@dataclass
class Asked:
    """A request that is not wholly acknowledged. `sent_at` is None until the transport sent it."""

    streams: set[Stream]
    subscribing: bool
    again: bool = False  # subscribe once this unsubscription is acknowledged
    sent_at: float | None = None


class Session:
    """Subscribes, acknowledges, answers heartbeats, watches for silence, resubscribes single symbols."""

    def __init__(self, dialect: Dialect, streams: Iterable[Stream], conn: str, ledger: Ledger, now: float) -> None:
        self.dialect = dialect
        self.conn = conn
        self.wanted: dict[Stream, None] = dict.fromkeys(streams)
        self.live: set[Stream] = set()
        self.outbox: deque[tuple[int | None, str]] = deque()  # request id and text
        self.leaving: str = ""  # the venue's notice that it will close
        self.granted: list[Stream] = []  # newly live, for the wiring to take
        self._ledger = ledger
        self._label = labeller(dialect.venue)
        self._stamper = Stamper(dialect.venue, conn)
        self._records: dict[tuple[str, str], StreamRecord] = {}
        self._mute = {stream for stream in self.wanted if has_book(dialect.venue, stream)}
        self._asked: dict[int, Asked] = {}
        self._resubscribe: dict[Stream, None] = {}
        self._numbers: Callable[[], int] = count(1).__next__
        self._heard_at = self._data_at = self._spoke_at = now
        for stream in self.wanted:
            self._records[stream] = ledger.stream(stream)

    @property
    def subscribed(self) -> bool:
        """Whether everything wanted was acknowledged."""
        return self.live >= self.wanted.keys()

    @property
    def speaking(self) -> bool:
        """Whether every book that was wanted from the start has sent a frame."""
        return not self._mute

    def open(self) -> None:
        """The connection stands: greet and subscribe."""
        number = self._numbers()
        greeting = self.dialect.greeting(number)
        if greeting is not None:
            self.outbox.append((None, greeting))
        self._ask(self.wanted, subscribing=True)

    def add(self, streams: Iterable[Stream]) -> None:
        """Subscribe more."""
        new = [stream for stream in streams if stream not in self.wanted]
        self.wanted.update(dict.fromkeys(new))
        for stream in new:
            self._records[stream] = self._ledger.stream(stream)
        self._ask(new, subscribing=True)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Subscribe less."""
        gone = [stream for stream in streams if stream in self.wanted]
        for stream in gone:
            del self.wanted[stream]
            self._records.pop(stream, None)
            self._lapse(stream)
        self._ask(gone, subscribing=False)

    def resubscribe(self, symbol: str) -> None:
        """Have the venue send a fresh snapshot of one symbol's book; the others of the connection go on.

        Nothing happens while it is being subscribed. What is asked for between two ticks shares requests.
        """
        books = [stream for stream in self.live if stream.symbol == symbol and has_book(self.dialect.venue, stream)]
        self._resubscribe.update(dict.fromkeys(books))

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
        record = self._records.get((channel, symbol))
        if record is not None:
            record.frames += 1
            record.last_us = recv_us
            if self._mute:
                self._mute.discard(Stream(channel, symbol))
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
        return list(dict.fromkeys(stream.symbol for stream in self.wanted if is_told_of(venue, stream)))

    def sent(self, number: int | None, now: float) -> None:
        """A text of the outbox went out."""
        if number in self._asked:
            self._asked[number].sent_at = now

    def tick(self, now: float, patience: Patience) -> None:
        """To be called every second or oftener. Raises SessionEnd when patience with a silence is at its end."""
        if now - self._heard_at > patience.silence_s:
            raise SessionEnd(f"no message for {now - self._heard_at:.1f} s")
        if self.live and now - self._data_at > patience.data_silence_s:
            raise SessionEnd(f"acknowledged, but no market data for {now - self._data_at:.1f} s")
        for number, asked in self._asked.items():
            if asked.sent_at is not None and now - asked.sent_at > patience.answer_s:
                raise SessionEnd(f"no answer to request {number} within {patience.answer_s:.0f} s")
        if self._resubscribe:
            again = [stream for stream in self._resubscribe if stream in self.live]
            self._resubscribe.clear()
            for stream in again:
                self._lapse(stream)
            self._ask(again, subscribing=False, again=True)
        self._keep_alive(now)

    def farewell(self) -> list[str]:
        """Requests that unsubscribe everything; their answers are not waited for."""
        size, live = self.dialect.limits.batch, [stream for stream in self.wanted if stream in self.live]
        return [self.dialect.unsubscribe(batch, self._numbers()) for batch in batches(live, size)]

    def end(self) -> None:
        """The connection is gone: none of its streams is live."""
        for stream in list(self.live):
            self._lapse(stream)

    def _keep_alive(self, now: float) -> None:
        pause = self.dialect.limits.keepalive_s
        if pause is not None and now - self._spoke_at >= pause:
            self._spoke_at = now
            text = self.dialect.keepalive(self._numbers())
            if text is not None:
                self.outbox.append((None, text))

    def _ask(self, streams: Iterable[Stream], subscribing: bool, again: bool = False) -> None:
        say = self.dialect.subscribe if subscribing else self.dialect.unsubscribe
        for batch in batches(list(streams), self.dialect.limits.batch):
            number = self._numbers()
            self._asked[number] = Asked(set(batch), subscribing, again)
            self.outbox.append((number, say(batch, number)))
            if subscribing:
                for stream in batch:
                    self._stamper.resubscribed(*stream)

    def _unreadable(self, frame: bytes, recv_us: int) -> Envelope:
        """Never dropped: it goes to the key that its bytes speak of, where the job says that it cannot be used."""
        candidates = sorted((stream for stream in self.wanted), key=lambda stream: len(stream.symbol), reverse=True)
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
            self._accepted(reply)
        elif isinstance(reply, Refused):
            self._refused(reply)
        elif isinstance(reply, Answer):
            self.outbox.appendleft((None, reply.text))
        elif isinstance(reply, Leaving):
            self.leaving = reply.reason

    def _accepted(self, reply: Accepted) -> None:
        asked = self._asked.get(reply.request) if reply.request is not None else None
        if asked is None:
            return
        granted = asked.streams if reply.streams is None else asked.streams & reply.streams
        if asked.subscribing:
            for stream in granted:
                self._begin(stream)
        asked.streams = asked.streams - granted
        if asked.streams and reply.last:
            left, asked.streams = asked.streams, set()
            if asked.subscribing:
                self._deny(left, "left out of the acknowledgement")
        self._settle(reply.request, asked, granted)

    def _settle(self, number: int | None, asked: Asked, done: Iterable[Stream]) -> None:
        if asked.again:
            self._ask([stream for stream in done if stream in self.wanted], subscribing=True)
        if not asked.streams and number is not None:
            del self._asked[number]

    def _refused(self, reply: Refused) -> None:
        asked = self._asked.get(reply.request) if reply.request is not None else None
        if not reply.fatal:
            raise SessionEnd(f"refused for now: {reply.reason}")
        if asked is None:
            raise SessionEnd(f"refused: {reply.reason}")
        refused = set(asked.streams)
        if reply.streams is not None:
            named = {stream.symbol for stream in reply.streams}
            refused = {stream for stream in asked.streams if stream.symbol in named}
        elif asked.subscribing and all(self._ledger.stream(stream).may_lapse for stream in refused):
            raise SessionEnd(f"refused as a whole: {reply.reason}")  # what was granted before is not let go for that
        asked.streams -= refused
        if asked.subscribing:
            self._deny(refused, reply.reason)
        self._settle(reply.request, asked, refused)

    def _deny(self, streams: Iterable[Stream], reason: str) -> None:
        """Streams that were granted before are let go (delisted, expired); new ones are the user's mistake."""
        for stream in sorted(streams):
            if not self._ledger.stream(stream).may_lapse:
                raise FatalRefusal(f"{self.dialect.venue} refuses {stream.symbol} {stream.channel}: {reason}")
            self.wanted.pop(stream, None)
            self._records.pop(stream, None)

    def _begin(self, stream: Stream) -> None:
        if stream in self.wanted and stream not in self.live:
            self.live.add(stream)
            record = self._ledger.stream(stream)
            record.live += 1
            record.may_lapse = True
            self.granted.append(stream)

    def _lapse(self, stream: Stream) -> None:
        if stream in self.live:
            self.live.remove(stream)
            self._ledger.stream(stream).live -= 1
