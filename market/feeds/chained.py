"""Books whose snapshot comes in the stream and whose changes name their predecessor: Deribit.

The ids prove the chain by themselves, from whatever connection a change comes; a hole in the envelope's `seq` says
nothing. With several connections one is followed, and only there a change that does not chain is a gap: elsewhere it
may just be early. The followed one is left when it disconnects, or is silent while another speaks.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from market.book import Book
from market.config import KeeperConfig
from market.envelope import Heard, Unusable, check_time
from market.feeds.base import Connections, Held, Take
from market.life import MICROS, Life, Origin
from market.output import Output
from market.records import Envelope
from market.side import absolute
from market.venues import deribit
from market.venues.deribit import BookData, BookFrame
from market.venues.wire import APPLY, SKIP, Kind


class ChainedState(Struct, array_like=True):
    """`book_id`: the newest change in the book; `followed`: the connection on which a gap counts."""

    book_id: int = 0
    followed: str | None = None
    connections: Connections = field(default_factory=Connections)


class ChainedFeed:
    """Installs snapshots and follows the chain of changes."""

    frame_type: Any = None

    def __init__(self, symbol: str, life: Life, output: Output, config: KeeperConfig) -> None:
        self._symbol = symbol
        self._life = life
        self._output = output
        self._silence_us = int(config.silence_s * MICROS)
        self._quiet_us = int(config.quiet_s * MICROS)
        self._book = Book()
        self.state = ChainedState()
        self.books: tuple[Book, ...] = (self._book,)
        self.held = Held()
        self.kind = deribit.kind
        self.decode_book = deribit.decode_book
        self.takes: Mapping[Kind, Take] = {Kind.BOOK: self.book}

    def parse(self, kind: Kind, frame: bytes) -> Any:
        """The event in one frame."""
        return deribit.parse(kind, frame, self._symbol)

    def book(self, heard: Heard[BookFrame]) -> None:
        """Take a snapshot or a change."""
        data = heard.frame.params.data
        if data.instrument_name != self._symbol:
            raise Unusable(f"expected symbol {self._symbol}, got {data.instrument_name}")
        before = data.prev_change_id
        if before and before >= data.change_id and data.type == "change":
            raise Unusable(f"expected prev_change_id below change_id {data.change_id}, got {before}")
        check_time(data.timestamp, heard.recv_us)
        follows = self.state.followed == heard.conn or self._takes_over(heard)
        self.state.connections.hear(heard)
        if deribit.is_snapshot(data):
            self._replace(heard, data)
        elif self._life.live:
            self._advance(heard, data, follows)
        else:
            self._output.batch.counts.skipped += 1
            self._life.ask(heard, "no book")

    def _takes_over(self, origin: Origin) -> bool:
        """A followed connection that has gone silent is left for this one: from here on a gap counts on this one."""
        state = self.state
        last = state.connections.heard.get(state.followed or "")
        if last is None or origin.recv_us - last > self._silence_us:
            state.followed = origin.conn
            return True
        return False

    def _advance(self, heard: Heard[BookFrame], data: BookData, follows: bool) -> None:
        step = deribit.step(self.state.book_id, data)
        if step is APPLY:
            if self._book.act(data.bids, data.asks):
                self._output.batch.counts.surprises += 1
            self._publish(heard, data)
        elif step is SKIP or not follows:
            self._output.batch.counts.skipped += 1
        else:
            self._life.lose(heard, data.timestamp, "sequence", expected=self.state.book_id, actual=data.prev_change_id)
            self._book.clear()

    def _replace(self, heard: Heard[BookFrame], data: BookData) -> None:
        counts = self._output.batch.counts
        if self._life.live and data.change_id <= self.state.book_id:
            counts.skipped += 1
            return
        counts.snapshots += 1
        self._output.before = None
        self._book.replace(absolute(data.bids), absolute(data.asks))
        self.state.followed = heard.conn
        self._publish(heard, data)

    def _publish(self, heard: Heard[BookFrame], data: BookData) -> None:
        """Say what the book is now, unless it is crossed: then it is lost."""
        life = self._life
        if self._book.crossed():
            self._output.batch.counts.crossed += 1
            life.lose(heard, data.timestamp, "crossed")
            self._book.clear()
            return
        if not life.live:
            life.gain(heard, data.timestamp)
        self.state.book_id = data.change_id
        if life.state.stale:
            life.resume(heard, data.timestamp)
        self._output.publish(self._book, data.change_id, data.timestamp, heard.recv_us)

    def connection(self, envelope: Envelope) -> None:
        """When the last connection that brought changes is gone, the book is stale, not wrong."""
        if envelope.event != "disconnected":
            return
        if self.state.followed == envelope.conn:
            self.state.followed = None
        if self.state.connections.lose(envelope.conn, envelope.recv_us, self._quiet_us):
            self._life.go_stale(envelope.recv_us // 1000, "disconnected", envelope.conn)

    def passed(self, origin: Origin) -> None:
        """Nothing to do: ids number the updates, not the frames."""

    def rejected(self, origin: Origin) -> None:
        """Nothing to do: the next id shows whether the frame was missed."""
