"""Books proven by a checksum of their top and by the envelope's `seq`: Kraken.

Kraken numbers nothing, and its checksum covers ten levels only. So a hole in `seq` within a connection is a gap, since
nothing else would show it, and so is a book frame that was rejected or dropped. One connection is followed; a second
keeps an unpublished standby book, taken over when the followed one disconnects, breaks, or is silent while the standby
speaks. What the standby applied in those seconds of silence was not published: it may be missing from the records.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from market.book import Book
from market.config import KeeperConfig
from market.envelope import Heard
from market.feeds.base import Held, Take
from market.feeds.lane import Fault, LaneState, Message, apply, read_message
from market.life import MICROS, Life, Origin, Phase
from market.output import Output
from market.records import Envelope
from market.venues import kraken
from market.venues.kraken import BookFrame
from market.venues.wire import Kind


class CheckedState(Struct, array_like=True):
    """`followed`: index of the lane that publishes; `ahead_us`: when the standby first had news it had not, or 0."""

    lanes: list[LaneState] = field(default_factory=lambda: [LaneState(), LaneState()])
    followed: int = 0
    ahead_us: int = 0


class CheckedFeed:
    """Two lanes, one followed."""

    frame_type: Any = None

    def __init__(self, symbol: str, life: Life, output: Output, config: KeeperConfig) -> None:
        self._symbol = symbol
        self._life = life
        self._output = output
        self._config = config
        self.state = CheckedState()
        self.books: tuple[Book, ...] = (Book(), Book())
        self.held = Held()
        self.kind = kraken.kind
        self.decode_book = kraken.decode_book
        self.takes: Mapping[Kind, Take] = {Kind.BOOK: self.book}

    def parse(self, kind: Kind, frame: bytes) -> Any:
        """The event in one frame."""
        return kraken.parse(kind, frame, self._symbol)

    def book(self, heard: Heard[BookFrame]) -> None:
        """Take a snapshot or an update on the lane of its connection."""
        message = read_message(heard, self._symbol)
        index = self._lane(heard)
        if index is None:  # a third connection
            self._output.batch.counts.skipped += 1
            return
        self._listen(heard, index, message)
        lane = self.state.lanes[index]
        lane.heard_us, lane.said_us = heard.recv_us, message.micros
        if message.snapshot:
            self._install(heard, index, message)
        else:
            self._update(heard, index, message)

    def _lane(self, origin: Origin) -> int | None:
        """The lane of a connection; a new one takes a free lane, or the standby's when that has been quiet for long."""
        lanes, followed = self.state.lanes, self.state.followed
        if lanes[followed].conn == origin.conn:
            return followed
        standby = 1 - followed
        if lanes[standby].conn == origin.conn:
            return standby
        for index in (followed, standby):
            if lanes[index].conn is None:
                lanes[index].conn = origin.conn
                return index
        if origin.recv_us - lanes[standby].heard_us > self._config.quiet_s * MICROS:
            self._reset(standby, origin.conn)
            return standby
        return None

    def _reset(self, index: int, conn: str | None) -> None:
        self.state.lanes[index] = LaneState(conn)
        self.books[index].clear()

    def _listen(self, origin: Origin, index: int, message: Message) -> None:
        """Leave a followed connection that for `silence_s` has not said what the standby said."""
        state = self.state
        if index == state.followed:
            state.ahead_us = 0
        elif message.snapshot or message.micros <= state.lanes[state.followed].said_us:
            return  # no news
        elif not state.ahead_us:
            state.ahead_us = origin.recv_us
        elif state.lanes[index].live and origin.recv_us - state.ahead_us > self._config.silence_s * MICROS:
            self._switch(origin, index, message.event_time)

    def _switch(self, origin: Origin, index: int, at: int) -> None:
        """Follow the other lane, whose book is right: order flow starts anew."""
        self._output.before = None
        self.state.followed, self.state.ahead_us = index, 0
        self._life.gain(origin, at, "switched")

    def _install(self, heard: Heard[BookFrame], index: int, message: Message) -> None:
        lane, state = self.state.lanes[index], self.state
        self._output.batch.counts.snapshots += 1
        if index == state.followed:
            self._output.before = None
        lane.seq, lane.depth = heard.seq, kraken.depth(heard.channel)
        fault = apply(self.books[index], message, lane.depth)
        if fault:
            self._fail(heard, index, message.event_time, fault)
            return
        lane.live, lane.gained_us = True, heard.recv_us
        if not self._life.live:
            state.followed, state.ahead_us = index, 0
            self._life.gain(heard, message.event_time)
        if index == state.followed:
            self._publish(heard, index, message)

    def _update(self, heard: Heard[BookFrame], index: int, message: Message) -> None:
        lane, counts = self.state.lanes[index], self._output.batch.counts
        if not lane.live or lane.depth != kraken.depth(heard.channel):
            lane.seq = max(lane.seq, heard.seq)
            counts.skipped += 1
            if not self._life.live and self._life.state.phase is not Phase.UNTRUSTED:
                self._life.ask(heard, "no book")
        elif heard.seq == lane.seq + 1:
            lane.seq = heard.seq
            self._advance(heard, index, message)
        elif 0 < heard.seq <= lane.seq:
            counts.skipped += 1
        else:
            self._break(heard, index, message.event_time, Fault("sequence", lane.seq + 1, heard.seq))

    def _advance(self, heard: Heard[BookFrame], index: int, message: Message) -> None:
        followed = index == self.state.followed
        fault = apply(self.books[index], message, self.state.lanes[index].depth)
        if fault:
            self._fail(heard, index, message.event_time, fault)
        elif followed:
            self._publish(heard, index, message)
        else:
            self._output.batch.counts.skipped += 1

    def _publish(self, heard: Heard[BookFrame], index: int, message: Message) -> None:
        if self._life.state.stale:
            self._life.resume(heard, message.event_time)
        self._output.publish(self.books[index], message.micros, message.event_time, heard.recv_us, message.flags)

    def _fail(self, origin: Origin, index: int, at: int, fault: Fault) -> None:
        """A recovery that did not hold, or the first fault of a book that had held."""
        lane, counts = self.state.lanes[index], self._output.batch.counts
        counts.checksum_failures += fault.reason == "checksum"
        counts.crossed += fault.reason == "crossed"
        held = lane.live and origin.recv_us - lane.gained_us > self._config.settle_s * MICROS
        lane.faults = 1 if held else lane.faults + 1
        self._break(origin, index, at, fault)

    def _break(self, origin: Origin, index: int, at: int, fault: Fault) -> None:
        """The book of a lane is lost; the other one takes over if it stands."""
        lanes, standby = self.state.lanes, 1 - self.state.followed
        lanes[index].live = False
        usable = lanes[index].faults <= self._config.recoveries
        if index != standby:
            phase = Phase.EMPTY if usable or lanes[standby].live else Phase.UNTRUSTED
            self._life.lose(origin, at, fault.reason, phase, fault.expected, fault.actual)
            if lanes[standby].live:
                self._switch(origin, standby, at)
        elif usable:
            self._output.resync(origin.conn, fault.reason, origin.recv_us // 1000)
        self.books[index].clear()

    def connection(self, envelope: Envelope) -> None:
        """Events of the two lanes' connections; they count in `seq` as frames do."""
        self.passed(envelope)
        for index, lane in enumerate(self.state.lanes):
            if lane.conn == envelope.conn:
                if envelope.event == "dropped" and lane.live:
                    self._break(envelope, index, envelope.recv_us // 1000, Fault("dropped"))
                elif envelope.event == "disconnected":
                    self._leave(envelope, index)

    def _leave(self, envelope: Envelope, index: int) -> None:
        """A connection is gone, and its book with it: the next one brings its own snapshot."""
        at, standby = envelope.recv_us // 1000, 1 - self.state.followed
        if index != standby:
            if self.state.lanes[standby].live:
                self._switch(envelope, standby, at)
            else:
                self._life.abandon(at, "disconnected", envelope.conn)
        self._reset(index, None)

    def passed(self, origin: Origin) -> None:
        """What concerns no book but came in the book's stream counts in `seq`."""
        for lane in self.state.lanes:
            if lane.conn == origin.conn and origin.seq == lane.seq + 1:
                lane.seq = origin.seq

    def rejected(self, origin: Origin) -> None:
        """A book frame that could not be used is a frame that is missing."""
        for index, lane in enumerate(self.state.lanes):
            if lane.conn == origin.conn:
                lane.seq = max(lane.seq, origin.seq)
                if lane.live:
                    self._break(origin, index, origin.recv_us // 1000, Fault("rejected"))
