"""What one connection subscribes to: the streams it wants and has, requests under way, the venue's answers to them.

SessionEnd      the connection must go, and another be made
FatalRefusal    the venue will never grant this: asking again would be refused again
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from ingestion.forwarder.dialects import Accepted, Dialect, Refused, Stream
from ingestion.forwarder.dialects.dialect import batches
from ingestion.forwarder.ledger import Ledger, StreamRecord, has_book
from market.errors import UserError


class SessionEnd(Exception):
    """Why the connection must go."""


class FatalRefusal(UserError):
    """The venue refuses what the user asked for."""


class Outbox(deque[tuple[int | None, str]]):
    """Texts to be sent, each with the number of its request if an answer is due."""

    def __init__(self) -> None:
        super().__init__()
        self.number: Callable[[], int] = count(1).__next__


@dataclass
class Asked:
    """A request that is not wholly acknowledged. `sent_at` is None until the transport sent it."""

    streams: set[Stream]
    subscribing: bool
    again: bool = False  # subscribe once this unsubscription is acknowledged
    sent_at: float | None = None


class Subscriptions:
    """The streams of one connection.

    `wanted`: each with its record, `live`: those that were granted, `granted`: newly so, for the wiring to take.
    `begins` is told of each stream that is asked for, hence of each that may begin anew.
    """

    def __init__(
        self,
        dialect: Dialect,
        streams: Iterable[Stream],
        ledger: Ledger,
        outbox: Outbox,
        begins: Callable[[str, str], None],
    ) -> None:
        self.wanted: dict[Stream, StreamRecord] = {stream: ledger.stream(stream) for stream in streams}
        self.live: set[Stream] = set()
        self.granted: list[Stream] = []
        self._dialect = dialect
        self._ledger = ledger
        self._outbox = outbox
        self._begins = begins
        self._asked: dict[int, Asked] = {}
        self._renewed: dict[Stream, None] = {}

    @property
    def complete(self) -> bool:
        """Whether everything wanted was acknowledged."""
        return self.live >= self.wanted.keys()

    def open(self) -> None:
        """Subscribe everything wanted."""
        self._ask(self.wanted, subscribing=True)

    def add(self, streams: Iterable[Stream]) -> None:
        """Subscribe more."""
        new = [stream for stream in streams if stream not in self.wanted]
        self.wanted.update({stream: self._ledger.stream(stream) for stream in new})
        self._ask(new, subscribing=True)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Subscribe less."""
        gone = [stream for stream in streams if stream in self.wanted]
        for stream in gone:
            del self.wanted[stream]
            self._lapse(stream)
        self._ask(gone, subscribing=False)

    def renew(self, symbol: str) -> None:
        """Have the venue send a fresh snapshot of one symbol's book; the others of the connection go on.

        Nothing happens while it is being subscribed. What is asked for between two ticks shares requests.
        """
        books = [stream for stream in self.live if stream.symbol == symbol and has_book(self._dialect.venue, stream)]
        self._renewed.update(dict.fromkeys(books))

    def sent(self, number: int | None, now: float) -> None:
        """A text of the outbox went out."""
        if number in self._asked:
            self._asked[number].sent_at = now

    def tick(self, now: float, answer_s: float) -> None:
        """Ask for what is to be renewed. Raises SessionEnd when a request was not answered within `answer_s`."""
        for number, asked in self._asked.items():
            if asked.sent_at is not None and now - asked.sent_at > answer_s:
                raise SessionEnd(f"no answer to request {number} within {answer_s:.0f} s")
        again = [stream for stream in self._renewed if stream in self.live]
        self._renewed.clear()
        for stream in again:
            self._lapse(stream)
        self._ask(again, subscribing=False, again=True)

    def accepted(self, reply: Accepted) -> None:
        """The venue granted a request, or a part of it. Raises FatalRefusal."""
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

    def refused(self, reply: Refused) -> None:
        """The venue refused a request, or a part of it. Raises SessionEnd, FatalRefusal."""
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

    def farewell(self) -> list[str]:
        """Requests that unsubscribe everything; their answers are not waited for."""
        size, live = self._dialect.limits.batch, [stream for stream in self.wanted if stream in self.live]
        return [self._dialect.unsubscribe(batch, self._outbox.number()) for batch in batches(live, size)]

    def end(self) -> None:
        """The connection is gone: none of its streams is live."""
        for stream in list(self.live):
            self._lapse(stream)

    def _ask(self, streams: Iterable[Stream], subscribing: bool, again: bool = False) -> None:
        say = self._dialect.subscribe if subscribing else self._dialect.unsubscribe
        for batch in batches(list(streams), self._dialect.limits.batch):
            number = self._outbox.number()
            self._asked[number] = Asked(set(batch), subscribing, again)
            self._outbox.append((number, say(batch, number)))
            if subscribing:
                for stream in batch:
                    self._begins(*stream)

    def _settle(self, number: int | None, asked: Asked, done: Iterable[Stream]) -> None:
        if asked.again:
            self._ask([stream for stream in done if stream in self.wanted], subscribing=True)
        if not asked.streams and number is not None:
            del self._asked[number]

    def _deny(self, streams: Iterable[Stream], reason: str) -> None:
        """Streams that were granted before are let go (delisted, expired); new ones are the user's mistake."""
        for stream in sorted(streams):
            if not self._ledger.stream(stream).may_lapse:
                raise FatalRefusal(f"{self._dialect.venue} refuses {stream.symbol} {stream.channel}: {reason}")
            self.wanted.pop(stream, None)

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
