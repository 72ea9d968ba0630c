"""Session of one connection with a venue: a state machine without I/O.

The transport passes in received frames and the time; the session returns envelopes to forward and queues texts to send
in `outbox`. Times are seconds of a monotonic clock, except `recv_us`, the receive time in epoch µs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import structlog

from core.records import ConnectionEvent, Envelope
from ingestion.forwarder.silence import BookSilence
from ingestion.forwarder.stats import ForwarderStats, has_book, has_connection_events
from ingestion.forwarder.subscriptions import Outbox, SessionEnd, Subscriptions
from venues.frame_info import FRAME_ERRORS
from venues.protocol import Accepted, ClosingNotice, Pong, Refused, Stream, VenueProtocol, channel_name
from venues.registry import VENUES
from venues.stamping import Stamper

log = structlog.get_logger("forwarder")


@dataclass(frozen=True)
class Timeouts:
    """Seconds of silence that end a connection: without any message, without market data, without one reply.

    Heartbeats do not count as market data: a stream can be acknowledged and silent on a connection that is alive.
    `book_silence_s` without a frame of one book renews the subscription of that book alone.
    """

    silence_s: float
    data_silence_s: float = 120.0
    book_silence_s: float = 60.0
    reply_s: float = 15.0


class Session:
    """Classifies frames, handles replies and heartbeats, detects silence; `subscriptions` manages the streams.

    `on_subscribed` receives `conn` and the streams that an acknowledgement has made active.
    """

    def __init__(
        self,
        protocol: VenueProtocol,
        streams: Iterable[Stream],
        conn: str,
        stats: ForwarderStats,
        now: float,
        on_subscribed: Callable[[str, list[Stream]], None],
    ) -> None:
        self.protocol = protocol
        self.conn = conn
        self.outbox = Outbox()
        self.closing_notice: str = ""  # the venue's announcement that it will close the connection
        self._stats = stats
        self._classify = VENUES[protocol.venue].open_classifier()
        self._stamper = Stamper(protocol.venue, conn)
        self.subscriptions = Subscriptions(
            protocol, streams, stats, self.outbox, self._stamper.resubscribed, partial(on_subscribed, conn)
        )
        self._books_without_data = {each for each in self.subscriptions.requested if has_book(protocol.venue, each)}
        self._silence = BookSilence()
        self._last_message_at = self._last_data_at = self._last_keepalive_at = now

    @property
    def has_data(self) -> bool:
        """True when every book requested at the start has sent a frame."""
        return not self._books_without_data

    def open(self) -> None:
        """Queue the opening request and the subscriptions of a new connection."""
        request = self.protocol.opening_request(self.outbox.next_number())
        if request is not None:
            self.outbox.append((None, request))
        self.subscriptions.open()

    def on_message(self, frame: bytes, recv_us: int, now: float) -> Envelope | None:
        """Envelope of a frame, or None for replies and heartbeats, which are not forwarded.

        Raises SessionEnd, FatalRefusal.
        """
        self._last_message_at = now
        try:
            channel, symbol, _, forwarded = self._classify(frame)
        except FRAME_ERRORS:
            return self._invalid_frame(frame, recv_us)
        if not forwarded:
            self._on_reply(frame)
            return None
        self._last_data_at = now
        stream = Stream(channel, symbol)
        stats = self.subscriptions.requested.get(stream)
        if stats is not None:
            stats.frames += 1
            stats.last_recv_us = recv_us
            if self._books_without_data:
                self._books_without_data.discard(stream)
        return self._stamper.stamp(channel, symbol, recv_us, frame)

    def snapshot(self, symbol: str, body: bytes, recv_us: int) -> Envelope:
        """Envelope of a REST snapshot, numbered in sequence with the frames of this connection."""
        return self._stamper.stamp("snapshot", symbol, recv_us, body)

    def connection_events(self, event: ConnectionEvent, recv_us: int) -> Iterator[Envelope]:
        """Envelopes of a connection event, one per symbol of the connection."""
        for symbol in self.symbols:
            yield self._stamper.event(event, symbol, recv_us)

    def dropped_event(self, symbol: str, frames: int, recv_us: int) -> Envelope:
        """Envelope of the event `dropped` with the number of dropped frames of a symbol."""
        return self._stamper.event("dropped", symbol, recv_us, frames)

    @property
    def symbols(self) -> list[str]:
        """Distinct symbols with a book or trades on this connection, in order of subscription."""
        venue, streams = self.protocol.venue, self.subscriptions.requested
        return list(dict.fromkeys(stream.symbol for stream in streams if has_connection_events(venue, stream)))

    def tick(self, now: float, timeouts: Timeouts) -> None:
        """Check the timeouts and queue keep-alives. Call at least once a second. Raises SessionEnd."""
        if now - self._last_message_at > timeouts.silence_s:
            raise SessionEnd(f"no message for {now - self._last_message_at:.1f} s")
        if self.subscriptions.active and now - self._last_data_at > timeouts.data_silence_s:
            raise SessionEnd(f"acknowledged, but no market data for {now - self._last_data_at:.1f} s")
        self._renew_silent_books(now, timeouts.book_silence_s)
        self.subscriptions.tick(now, timeouts.reply_s)
        self._keep_alive(now)

    def _renew_silent_books(self, now: float, bound_s: float) -> None:
        """Renew the subscriptions of books without frames: trades or other symbols may hide that a stream is dead."""
        active, requested = self.subscriptions.active, self.subscriptions.requested
        books = (
            (each, requested[each]) for each in active if each in requested and has_book(self.protocol.venue, each)
        )
        for stream, silent_s in self._silence.overdue(books, now, bound_s):
            log.warning(
                "book silent, subscribing again", symbol=stream.symbol, channel=stream.channel, silent_s=silent_s
            )
            self._stats.silences[stream] += 1
            self.subscriptions.renew([stream])

    def _keep_alive(self, now: float) -> None:
        interval_s = self.protocol.limits.keepalive_s
        if interval_s is not None and now - self._last_keepalive_at >= interval_s:
            self._last_keepalive_at = now
            text = self.protocol.keepalive(self.outbox.next_number())
            if text is not None:
                self.outbox.append((None, text))

    def _invalid_frame(self, frame: bytes, recv_us: int) -> Envelope:
        """Envelope of a frame that cannot be classified: forwarded as text, so that the books job rejects it.

        Its stream is guessed from the symbol and channel names that its bytes contain.
        """
        streams = sorted(self.subscriptions.requested, key=lambda stream: len(stream.symbol), reverse=True)
        upper = frame.upper()
        by_symbol = [stream for stream in streams if stream.symbol.upper().encode() in upper]
        by_channel = [each for each in by_symbol if channel_name(each.channel).upper().encode() in upper]
        channel, symbol = next(iter(by_channel or by_symbol), Stream("unreadable", ""))
        self._stats.invalid_frames[symbol] += 1
        return self._stamper.text(channel, symbol, recv_us, frame)

    def _on_reply(self, frame: bytes) -> None:
        try:
            reply = self.protocol.parse_reply(frame)
        except FRAME_ERRORS:
            self._stats.invalid_frames[""] += 1
            return
        if isinstance(reply, Accepted):
            self.subscriptions.on_accepted(reply)
        elif isinstance(reply, Refused):
            self.subscriptions.on_refused(reply)
        elif isinstance(reply, Pong):
            self.outbox.appendleft((None, reply.text))
        elif isinstance(reply, ClosingNotice):
            self.closing_notice = reply.reason
