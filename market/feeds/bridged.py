"""Books whose snapshot comes by REST and must be met by the stream: Binance spot and USD-M.

Ids belong to the symbol and prove the chain by themselves. So whichever connection is first is applied and its echo
skipped, a reconnect needs no snapshot, and a hole in the envelope's `seq` says nothing: no good book is dropped for it.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct, field

from market.book import Book
from market.config import KeeperConfig
from market.envelope import Heard, Unusable, check_time
from market.feeds.base import Connections, Held, Take
from market.life import MICROS, Life, Origin, Phase
from market.output import Output
from market.records import Envelope
from market.venues import binance
from market.venues.binance import DepthFrame, DepthUpdate, Snapshot
from market.venues.wire import APPLY, GAP, SKIP, Kind, Step


class Rule(Protocol):
    """A venue's sequence rule (`SpotRule`, `UsdmRule`)."""

    @property
    def live_at_install(self) -> bool: ...
    def check(self, update: DepthUpdate) -> None: ...
    def step(self, book_id: int, update: DepthUpdate) -> Step: ...
    def bridge(self, book_id: int, update: DepthUpdate) -> Step: ...
    def broken(self, book_id: int, update: DepthUpdate) -> tuple[int, int]: ...


class BridgedState(Struct, array_like=True):
    """`book_id`: where the book stands. `unmet`: a snapshot is installed that no update has met yet."""

    book_id: int = 0
    unmet: bool = False
    connections: Connections = field(default_factory=Connections)


class BridgedFeed:
    """Holds updates until a snapshot bridges, then follows the chain."""

    frame_type: Any = Heard[DepthFrame]

    def __init__(self, symbol: str, rule: Rule, life: Life, output: Output, config: KeeperConfig) -> None:
        self._symbol = symbol
        self._rule = rule
        self._check, self._step, self._bridge = rule.check, rule.step, rule.bridge
        self._life = life
        self._output = output
        self._config = config
        self._book = Book()
        self.state = BridgedState()
        self.books: tuple[Book, ...] = (self._book,)
        self.held = Held()
        self.kind = binance.kind
        self.decode_book = binance.decode_book
        self.takes: Mapping[Kind, Take] = {Kind.BOOK: self.book, Kind.SNAPSHOT: self.snapshot}

    def parse(self, kind: Kind, frame: bytes) -> Any:
        """The event in one frame."""
        return binance.parse(kind, frame, self._symbol)

    def book(self, heard: Heard[DepthFrame]) -> None:
        """Take one update; in every phase what contradicts itself or its clock is refused first."""
        update = heard.frame.data
        if update.symbol != self._symbol:
            raise Unusable(f"expected symbol {self._symbol}, got {update.symbol}")
        self._check(update)
        check_time(update.matched_ms or update.sent_ms, heard.recv_us)
        self.state.connections.hear(heard)
        self._advance(heard)

    def _advance(self, heard: Heard[DepthFrame]) -> None:
        update, state = heard.frame.data, self.state
        if not self._life.live and not state.unmet:
            self._hold(heard)
            return
        step = (self._bridge if state.unmet else self._step)(state.book_id, update)
        if step is APPLY:
            self._apply(heard, update)
        elif step is SKIP:
            self._output.batch.counts.skipped += 1
        else:
            self._lose(heard, "sequence", *self._rule.broken(state.book_id, update))

    def _apply(self, heard: Heard[DepthFrame], update: DepthUpdate) -> None:
        state, book, life = self.state, self._book, self._life
        at = update.matched_ms or update.sent_ms
        book.apply(update.bids, update.asks)
        if book.crossed():
            self._output.batch.counts.crossed += 1
            self._lose(heard, "crossed")
            return
        if state.unmet:
            self._meet(heard, update, at)
        state.book_id = update.last_id
        if life.state.stale:
            life.resume(heard, at)
        self._output.publish(book, update.last_id, at, heard.recv_us)

    def _meet(self, heard: Heard[DepthFrame], update: DepthUpdate, at: int) -> None:
        """The first update after a snapshot meets it."""
        if update.first_id > self.state.book_id + 1:
            self._output.batch.counts.surprises += 1  # USD-M: the snapshot lies between two updates of the symbol
        self.state.unmet = False
        if not self._life.live:
            self._life.gain(heard, at)

    def _lose(
        self, heard: Heard[DepthFrame], reason: str, expected: int | None = None, actual: int | None = None
    ) -> None:
        """Drop the book; the update that broke it is the first of the next chain."""
        if self._life.live:
            self._life.lose(heard, binance.event_time(heard.frame.data), reason, Phase.BUFFERING, expected, actual)
        self._drop()
        self._hold(heard)

    def _drop(self) -> None:
        self._book.clear()
        self.state.unmet = False

    def _hold(self, heard: Heard[DepthFrame]) -> None:
        held, counts = self.held, self._output.batch.counts
        if held.frames and self._overflows(heard):
            held.clear()
        held.add(heard)
        counts.held += 1
        self._life.wait(Phase.BUFFERING)
        self._life.ask(heard, "no book")

    def _overflows(self, heard: Heard[DepthFrame]) -> bool:
        frames = self.held.frames
        age_us = heard.recv_us - frames[0].recv_us
        return len(frames) >= self._config.hold_frames or age_us > self._config.hold_s * MICROS

    def snapshot(self, heard: Heard[Snapshot]) -> None:
        """Install a REST snapshot unless it is older than the book, or older than what is held reaches back to."""
        snapshot, rule, counts = heard.frame, self._rule, self._output.batch.counts
        check_time(binance.event_time(snapshot), heard.recv_us)
        book_id = snapshot.last_id
        counts.snapshots += 1
        if (self._life.live or self.state.unmet) and book_id <= self.state.book_id:
            return
        steps = (rule.bridge(book_id, each.frame.data) for each in self.held.frames)
        if next((step for step in steps if step is not SKIP), APPLY) is GAP:
            return  # too old: the open request is repeated, the updates stay held
        self._install(heard, snapshot)

    def _install(self, heard: Heard[Snapshot], snapshot: Snapshot) -> None:
        self._output.before = None
        self._book.replace(snapshot.bids, snapshot.asks)
        self.state.book_id = snapshot.last_id
        self.state.unmet = True
        if self._book.crossed():
            self._output.batch.counts.crossed += 1
            self._fault(heard, snapshot)
            return
        if self._rule.live_at_install and not self._life.live:
            self._life.gain(heard, binance.event_time(snapshot) or heard.recv_us // 1000)
        for each in self.held.clear():
            self._advance(each)

    def _fault(self, heard: Heard[Snapshot], snapshot: Snapshot) -> None:
        """A snapshot that is crossed in itself: as good as none."""
        if self._life.live:
            self._life.lose(heard, binance.event_time(snapshot) or heard.recv_us // 1000, "crossed")
        self._drop()

    def connection(self, envelope: Envelope) -> None:
        """When the last connection that brought updates is gone, the book is stale, not wrong."""
        if envelope.event == "disconnected":
            quiet_us = int(self._config.quiet_s * MICROS)
            if self.state.connections.lose(envelope.conn, envelope.recv_us, quiet_us):
                self._life.go_stale(envelope.recv_us // 1000, "disconnected", envelope.conn)

    def passed(self, origin: Origin) -> None:
        """Nothing to do: ids number the updates, not the frames."""

    def rejected(self, origin: Origin) -> None:
        """Nothing to do: the next id shows whether the frame was missed."""
