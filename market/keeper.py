"""All that is known of one key: its book's life, its sequence, its trades. Envelopes in, records out.

Output depends on the values alone, never on how they were cut into batches, on a restore between two batches, or on a
wall clock. No exception leaves `apply_all`, whatever the bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from market.batch import Batch, Counts, Reject
from market.config import KeeperConfig
from market.envelope import DECODE_ERRORS, MAX_VALUE_BYTES, Heard, Unusable, check_time, frame_of, read
from market.journal import Append, Journal, Replace, encode
from market.life import Life, LifeState
from market.metrics import Touch
from market.output import Output
from market.records import Envelope
from market.trades import TradesState
from market.unknown import UnknownKey
from market.venues.registry import FEEDS
from market.venues.wire import Kind, Print

__all__ = ["Append", "Batch", "Counts", "Keeper", "KeeperConfig", "Reject", "Replace", "UnknownKey", "open_keeper"]

_BOOK = Kind.BOOK


class Keeper:
    """The state of one `venue:symbol`. Raises `KeyError` for a venue that is not known (`open_keeper` does not)."""

    def __init__(self, venue: str, symbol: str, config: KeeperConfig) -> None:
        self._venue = venue
        self._symbol = symbol
        self._output = Output(venue, symbol, config)
        self._life = Life(self._output, config)
        self._feed = FEEDS[venue](symbol, self._life, self._output, config)
        self._trades = TradesState()
        self._journal = Journal()
        self._decode_book = self._feed.decode_book
        self._kind = self._feed.kind
        self._take_book = self._feed.takes[Kind.BOOK]

    @classmethod
    def restore(cls, venue: str, symbol: str, config: KeeperConfig, entries: Iterable[bytes]) -> "Keeper":
        """The keeper whose `journal` wrote these entries, in order. Raises `UnknownVersion` for another code's."""
        keeper = cls(venue, symbol, config)
        feed = keeper._feed
        header = keeper._journal.read(entries, feed.books, feed.held, feed.frame_type)
        if header is not None:
            kept: Any = tuple[LifeState, type(feed.state), Touch | None, TradesState]  # type: ignore[misc]
            life, feed.state, keeper._output.before, keeper._trades = msgspec.msgpack.decode(header, type=kept)
            keeper._life.restore(life)
        return keeper

    @property
    def live(self) -> bool:
        """Whether the book is in sync with its stream."""
        return self._life.live

    def apply_all(self, values: Sequence[bytes | None]) -> Batch:
        """Apply values in order; rejects carry their index in `values`."""
        rejects = self._output.batch.rejects
        for index, value in enumerate(values):
            try:
                self.apply(value)
            except Unusable as unusable:
                rejects.append(Reject(index, str(unusable), unusable.where))
        batch = self._output.take()
        batch.counts.frames = len(values)
        batch.counts.rejected = len(batch.rejects)
        return batch

    def apply(self, value: bytes | None) -> None:
        """Apply one value. Raises `Unusable`, and then the book is as it was, or said to be lost."""
        if value is None:
            raise Unusable("expected an envelope, got a null value", "envelope")
        try:
            heard = self._decode_book(value)
        except DECODE_ERRORS:
            self._apply_other(value)
            return
        if (
            self._kind(heard.channel) is _BOOK
            and heard.symbol == self._symbol
            and heard.venue == self._venue
            and heard.event is UNSET
            and heard.frame_text is UNSET
            and value.isascii()
            and len(value) <= MAX_VALUE_BYTES
        ):
            try:
                self._take_book(heard)
            except Unusable:
                self._feed.rejected(heard)
                raise
            if self._life.state.asking:
                self._life.remind(heard.recv_us)
        else:
            self._apply_other(value)

    def _apply_other(self, value: bytes) -> None:
        """The way of everything but a well-formed book frame: slower, and able to say what is wrong."""
        envelope = read(value, self._venue, self._symbol)
        kind = self._kind(envelope.channel)
        try:
            self._dispatch(envelope, kind)
        except DECODE_ERRORS as error:
            raise Unusable(f"expected a frame of {envelope.channel}: {error}") from None
        finally:
            if self._life.state.asking:
                self._life.remind(envelope.recv_us)

    def _dispatch(self, envelope: Envelope, kind: Kind | None) -> None:
        counts = self._output.batch.counts
        if envelope.event is not UNSET:
            counts.events += 1
            self._feed.connection(envelope)
        elif kind is None:
            raise Unusable(f"expected a channel of {self._venue}, got {envelope.channel!r}", "envelope")
        elif kind is Kind.IGNORED:
            counts.ignored += 1
        elif kind is Kind.BOOK:
            self._hear_book(envelope)
        else:
            self._hear(envelope, kind)

    def _hear_book(self, envelope: Envelope) -> None:
        try:
            self._hear(envelope, Kind.BOOK)
        except (Unusable, *DECODE_ERRORS):
            self._feed.rejected(envelope)
            raise

    def _hear(self, envelope: Envelope, kind: Kind) -> None:
        event = self._feed.parse(kind, frame_of(envelope))
        if event is None:
            self._output.batch.counts.ignored += 1
            if kind is Kind.BOOK:
                self._feed.passed(envelope)
        elif kind is Kind.TRADES:
            self._print(envelope.recv_us, event)
        else:
            self._feed.takes[kind](Heard.of(envelope, event))

    def _print(self, recv_us: int, prints: list[Print]) -> None:
        for each in prints:
            check_time(each.event_time, recv_us)
        for each in prints:
            if self._trades.add(each.space, each.number):
                self._output.trade(recv_us, *each[2:])
            else:
                self._output.batch.counts.repeated_trades += 1

    def stale(self, now_ms: int) -> bytes | None:
        """Nothing came for too long, says a timer: the status to publish, once per episode. `journal` is due after."""
        line = self._life.go_stale(now_ms, "silence")
        self._output.take()
        return line

    def journal(self) -> Append | Replace | None:
        """What to write to the key's state for the batches since the last call; None when nothing changed."""
        feed = self._feed
        header = encode((self._life.state, feed.state, self._output.before, self._trades))
        return self._journal.write(header, feed.books, feed.held)


def open_keeper(key: str | None, config: KeeperConfig, entries: Iterable[bytes] = ()) -> Keeper | UnknownKey[Batch]:
    """The keeper of a record key, restored from its journal if there is one."""
    venue, _, symbol = (key or "").partition(":")
    if venue not in FEEDS or not symbol:
        return UnknownKey(
            f"expected a key venue:symbol with venue one of {', '.join(FEEDS)}, got {key!r}", Batch.refused
        )
    return Keeper.restore(venue, symbol, config, entries)
