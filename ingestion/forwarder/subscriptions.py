"""Subscriptions of one connection: requested and active streams, pending requests, and the venue's replies to them.

SessionEnd      the connection must be closed and replaced by another one
FatalRefusal    the venue refuses the request for good: another attempt would be refused as well
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from core.errors import UserError
from ingestion.forwarder.stats import ForwarderStats, StreamStats, has_book
from venues.protocol import Accepted, Refused, Stream, VenueProtocol, batches


class SessionEnd(Exception):
    """The connection must be closed; the text is the reason."""


class FatalRefusal(UserError):
    """The venue refuses a stream or connection that the user configured."""


class Outbox(deque[tuple[int | None, str]]):
    """Texts to send, each with its request number, or None if no reply is expected."""

    def __init__(self) -> None:
        super().__init__()
        self.next_number: Callable[[], int] = count(1).__next__


@dataclass
class PendingRequest:
    """A request that is not completely acknowledged. `sent_at` is None until the transport has sent it.

    `resubscribe`: subscribe the streams again once this unsubscription is acknowledged.
    """

    streams: set[Stream]
    subscribing: bool
    resubscribe: bool = False
    sent_at: float | None = None


class Subscriptions:
    """Streams of one connection.

    `requested` maps each requested stream to its statistics; `active` holds those that the venue has acknowledged.
    `on_request(channel, symbol)` is called before each subscription, `on_subscribed(streams)` after each
    acknowledgement that makes streams active.
    """

    def __init__(
        self,
        protocol: VenueProtocol,
        streams: Iterable[Stream],
        stats: ForwarderStats,
        outbox: Outbox,
        on_request: Callable[[str, str], None],
        on_subscribed: Callable[[list[Stream]], None],
    ) -> None:
        self.requested: dict[Stream, StreamStats] = {stream: stats.stream(stream) for stream in streams}
        self.active: set[Stream] = set()
        self._protocol = protocol
        self._stats = stats
        self._outbox = outbox
        self._on_request = on_request
        self._on_subscribed = on_subscribed
        self._pending: dict[int, PendingRequest] = {}
        self._to_resubscribe: dict[Stream, None] = {}

    @property
    def complete(self) -> bool:
        """True when every requested stream is active."""
        return self.active >= self.requested.keys()

    def open(self) -> None:
        """Subscribe all requested streams."""
        self._send_requests(self.requested, subscribing=True)

    def add(self, streams: Iterable[Stream]) -> None:
        """Subscribe further streams."""
        new = [stream for stream in streams if stream not in self.requested]
        self.requested.update({stream: self._stats.stream(stream) for stream in new})
        self._send_requests(new, subscribing=True)

    def remove(self, streams: Iterable[Stream]) -> None:
        """Unsubscribe streams."""
        removed = [stream for stream in streams if stream in self.requested]
        for stream in removed:
            del self.requested[stream]
            self._deactivate(stream)
        self._send_requests(removed, subscribing=False)

    def resubscribe(self, symbol: str) -> None:
        """Unsubscribe and subscribe the book of one symbol, so that the venue sends a fresh snapshot.

        Other symbols are not affected. A book that is already being subscribed is left alone. All calls between two
        ticks share requests.
        """
        venue = self._protocol.venue
        self.renew(stream for stream in self.active if stream.symbol == symbol and has_book(venue, stream))

    def renew(self, streams: Iterable[Stream]) -> None:
        """Unsubscribe and subscribe active streams at the next tick."""
        self._to_resubscribe.update(dict.fromkeys(streams))

    def mark_sent(self, number: int | None, now: float) -> None:
        """Start the reply timeout of a request that the transport has sent."""
        if number in self._pending:
            self._pending[number].sent_at = now

    def tick(self, now: float, reply_s: float) -> None:
        """Request the collected resubscriptions. Raises SessionEnd if a request had no reply within `reply_s`."""
        for number, pending in self._pending.items():
            if pending.sent_at is not None and now - pending.sent_at > reply_s:
                raise SessionEnd(f"no reply to request {number} within {reply_s:.0f} s")
        streams = [stream for stream in self._to_resubscribe if stream in self.active]
        self._to_resubscribe.clear()
        for stream in streams:
            self._deactivate(stream)
        self._send_requests(streams, subscribing=False, resubscribe=True)

    def on_accepted(self, reply: Accepted) -> None:
        """Process an acknowledgement of a request or of a part of it. Raises FatalRefusal.

        A venue may leave out of the reply to an unsubscription what it has lost: that is unsubscribed as well.
        """
        pending = self._pending.get(reply.request) if reply.request is not None else None
        if pending is None:
            return
        accepted = pending.streams if reply.streams is None else pending.streams & reply.streams
        activated = [stream for stream in accepted if self._activate(stream)] if pending.subscribing else []
        pending.streams = pending.streams - accepted
        if pending.streams and reply.last:
            missing, pending.streams = pending.streams, set()
            if pending.subscribing:
                self._remove_refused(missing, "left out of the acknowledgement")
            else:
                accepted = accepted | missing
        self._complete(reply.request, pending, accepted)
        if activated:
            self._on_subscribed(activated)

    def on_refused(self, reply: Refused) -> None:
        """Process a refusal of a request or of a part of it. Raises SessionEnd, FatalRefusal."""
        pending = self._pending.get(reply.request) if reply.request is not None else None
        if not reply.fatal:
            raise SessionEnd(f"refused temporarily: {reply.reason}")
        if pending is None:
            raise SessionEnd(f"refused: {reply.reason}")
        refused = set(pending.streams)
        if reply.streams is not None:
            named = {stream.symbol for stream in reply.streams}
            refused = {stream for stream in pending.streams if stream.symbol in named}
        elif pending.subscribing and self._were_accepted(refused):
            # Streams that the venue has accepted before are not removed because a whole request is refused.
            raise SessionEnd(f"refused as a whole: {reply.reason}")
        pending.streams -= refused
        if pending.subscribing:
            self._remove_refused(refused, reply.reason)
        self._complete(reply.request, pending, refused)

    def unsubscribe_requests(self) -> list[str]:
        """Requests that unsubscribe all active streams before a close; their replies are not awaited."""
        size, active = self._protocol.limits.batch, [stream for stream in self.requested if stream in self.active]
        return [self._protocol.unsubscribe(batch, self._outbox.next_number()) for batch in batches(active, size)]

    def close(self) -> None:
        """Mark all streams inactive: the connection is closed."""
        for stream in list(self.active):
            self._deactivate(stream)

    def _send_requests(self, streams: Iterable[Stream], subscribing: bool, resubscribe: bool = False) -> None:
        request = self._protocol.subscribe if subscribing else self._protocol.unsubscribe
        for batch in batches(list(streams), self._protocol.limits.batch):
            number = self._outbox.next_number()
            self._pending[number] = PendingRequest(set(batch), subscribing, resubscribe)
            self._outbox.append((number, request(batch, number)))
            if subscribing:
                for stream in batch:
                    self._on_request(*stream)

    def _complete(self, number: int | None, pending: PendingRequest, done: Iterable[Stream]) -> None:
        if pending.resubscribe:
            self._send_requests([stream for stream in done if stream in self.requested], subscribing=True)
        if not pending.streams and number is not None:
            del self._pending[number]

    def _were_accepted(self, streams: set[Stream]) -> bool:
        """True if all of these that are still requested were accepted before or are options, and there are any."""
        requested = [self.requested[stream] for stream in streams if stream in self.requested]
        return bool(requested) and all(stats.optional for stats in requested)

    def _remove_refused(self, streams: set[Stream], reason: str) -> None:
        """Remove optional streams (delisted, expired). Any other refused stream is a configuration error.

        A stream that was removed before the venue answered (an option that has expired) has no part in this.
        """
        for stream in sorted(streams & self.requested.keys()):
            if not self.requested[stream].optional:
                raise FatalRefusal(f"{self._protocol.venue} refuses {stream.symbol} {stream.channel}: {reason}")
            del self.requested[stream]

    def _activate(self, stream: Stream) -> bool:
        """Mark a stream active. Returns False if it is active already or no longer requested."""
        if stream not in self.requested or stream in self.active:
            return False
        self.active.add(stream)
        stats = self._stats.stream(stream)
        stats.subscriptions += 1
        stats.optional = True
        return True

    def _deactivate(self, stream: Stream) -> None:
        if stream in self.active:
            self.active.remove(stream)
            self._stats.stream(stream).subscriptions -= 1
