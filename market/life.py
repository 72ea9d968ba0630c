"""The life cycle of one book (venues.md §1.3): what it is, what is said of it, and when a snapshot is asked for.

EMPTY      nothing known; left by the first update (Binance: hold it) or a snapshot
BUFFERING  updates are held until a snapshot bridges
LIVE       the book is right, and the only phase in which anything is published
UNTRUSTED  Kraken: recoveries are used up; nothing is published or asked for until a snapshot's checksum holds

A loss asks for one snapshot at once, then again with exponential back-off for as long as frames come. The back-off runs
on receive times; should that clock step back by more than the longest pause, the request counts as due.
"""

from enum import IntEnum
from typing import Protocol

from msgspec import Struct

from market.config import KeeperConfig
from market.output import Output
from market.records import State

MICROS = 1_000_000


class Phase(IntEnum):
    """Where the book is in its life."""

    EMPTY = 0
    BUFFERING = 1
    LIVE = 2
    UNTRUSTED = 3


class Origin(Protocol):
    """Where a frame came from: every envelope."""

    @property
    def conn(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def recv_us(self) -> int: ...


class LifeState(Struct, array_like=True):
    """What outlives a batch. `since_ms` and `asked_us` are the receive times of the loss and of the last request."""

    phase: Phase = Phase.EMPTY
    stale: bool = False
    asking: bool = False
    reason: str = ""
    conn: str | None = None
    since_ms: int = 0
    asked_us: int = 0
    pause_us: int = 0


class Life:
    """Keeps the phase and says every change of it."""

    __slots__ = ("_config", "_output", "live", "state")

    def __init__(self, output: Output, config: KeeperConfig) -> None:
        self._output = output
        self._config = config
        self.restore(LifeState())

    def restore(self, state: LifeState) -> None:
        """Go on from a state that was kept."""
        self.state = state
        self.live = state.phase is Phase.LIVE

    def gain(self, origin: Origin, event_time: int, reason: str = "snapshot") -> None:
        """The book is right from here on."""
        self._enter(Phase.LIVE)
        if self.state.stale:
            reason = "resumed"
        self.state.stale = self.state.asking = False
        self._output.status("synced", reason, event_time, origin.conn)

    def lose(
        self,
        origin: Origin,
        event_time: int,
        reason: str,
        phase: Phase = Phase.EMPTY,
        expected: int | None = None,
        actual: int | None = None,
    ) -> None:
        """The book is not right any more: say so, restart what derives from it, ask for a snapshot unless untrusted."""
        self._output.before = None
        self._enter(phase)
        self.state.stale = self.state.asking = False
        said: State = "untrusted" if phase is Phase.UNTRUSTED else "gap"
        self._output.batch.counts.gaps += 1
        self._output.status(said, reason, event_time, origin.conn, expected, actual)
        if phase is not Phase.UNTRUSTED:
            self.ask(origin, reason)

    def wait(self, phase: Phase) -> None:
        """Move between the phases without a book; nothing is said."""
        self._enter(phase)

    def ask(self, origin: Origin, reason: str) -> None:
        """Ask for a snapshot, unless that was done already: `remind` repeats it."""
        state, now = self.state, origin.recv_us
        if not state.asking:
            state.asking, state.reason, state.conn = True, reason, origin.conn
            state.since_ms = now // 1000
            state.pause_us = int(self._config.resync_first_s * MICROS)
            self._request(now)

    def remind(self, now_us: int) -> None:
        """Repeat an open request that is due."""
        state = self.state
        longest = int(self._config.resync_max_s * MICROS)
        if state.asking and not state.asked_us - longest <= now_us < state.asked_us + state.pause_us:
            state.pause_us = min(2 * state.pause_us, longest)
            self._request(now_us)

    def _request(self, now_us: int) -> None:
        self.state.asked_us = now_us
        self._output.resync(self.state.conn, self.state.reason, self.state.since_ms)

    def go_stale(self, event_time: int, reason: str, conn: str | None = None) -> bytes | None:
        """Say once per episode that nothing comes any more; the book stays as it is. None when that was said."""
        if not self.live or self.state.stale:
            return None
        self.state.stale = True
        return self._output.status("stale", reason, event_time, conn)

    def abandon(self, event_time: int, reason: str, conn: str) -> None:
        """The stream the book came from is gone, and the next one brings a snapshot unasked: stale, and no book."""
        self._output.before = None
        self.go_stale(event_time, reason, conn)
        if self.live:
            self._enter(Phase.EMPTY)

    def resume(self, origin: Origin, event_time: int) -> None:
        """An update was applied: a stale book is fresh again."""
        if self.state.stale:
            self.state.stale = False
            self._output.status("synced", "resumed", event_time, origin.conn)

    def _enter(self, phase: Phase) -> None:
        self.state.phase = phase
        self.live = phase is Phase.LIVE
