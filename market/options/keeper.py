"""All that is known of one chain's key: envelopes in, a set of records out for each second of event time.

A second closes when its chain first sees a later one, so that output depends neither on batches nor on the speed of a
replay; `flush` closes the last. What still arrives for a second that was flushed is said with a second set of the same
`event_time`, which replaces the first. Records carry the end of their second: they are the chain as of then.
No exception leaves `apply_all`, whatever the bytes.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import UNSET

from market.batch import Reject
from market.envelope import DECODE_ERRORS, Unusable, check_bytes, check_time, frame_of
from market.journal import Append, Replace
from market.options.batch import ChainBatch, ChainConfig
from market.options.buildup import BuildUpWindow
from market.options.chain import Chain
from market.options.instrument import Instrument
from market.options.journal import ChainJournal, Clock
from market.options.legs import surface_records
from market.options.model import price_chain
from market.options.summary import chain_records, underlying_tick
from market.options.surface import build_surface
from market.options.view import View
from market.options.wire import Event, IndexPrice, OptionQuote, parse
from market.records import Envelope, State, Status
from market.unknown import UnknownKey

SECOND_MS = 1000
VENUES = ("deribit",)  # others that speak its protocol come under its name

_encode = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(Envelope).decode


class ChainKeeper:
    """The chain of one `venue:underlying` and the second it is in. `journal` and `restore` carry it through a crash."""

    def __init__(self, venue: str, underlying: str, config: ChainConfig) -> None:
        self._venue = venue
        self._config = config
        self._chain = Chain(underlying)
        self._clock = Clock()
        self._build_up = BuildUpWindow(config.build_up_ms, config.band)
        self._journal = ChainJournal()
        self._batch = ChainBatch()

    def apply_all(self, values: Sequence[bytes | None]) -> ChainBatch:
        """Applies raw records in order; rejects carry their index in `values`."""
        counts = self._batch.counts
        for index, value in enumerate(values):
            counts.frames += 1
            try:
                envelope = self._envelope(value)
                if envelope.event is UNSET:
                    for event in parse(frame_of(envelope), self._chain.underlying):
                        self._hear(event, envelope.recv_us, index)
            except Unusable as unusable:
                self._reject(index, unusable)
        return self._take()

    def flush(self) -> ChainBatch:
        """Says the chain of a second that nobody has closed yet; for a timer of the job."""
        if self._clock.unsaid:
            self._say(self._chain.view(self._end))
            self._clock.unsaid = False
        return self._take()

    def stale(self, now_ms: int) -> bytes | None:
        """Nothing came for too long, says a timer: the status to publish, once per episode. `journal` is due after."""
        if self._clock.stale or not self._clock.second:
            return None
        self._clock.stale = True
        return self._status("stale", "silence", now_ms)

    def journal(self) -> Append | Replace | None:
        """What changed since the last call, to be written to the key's state; None when nothing did."""
        return self._journal.write(self._clock, self._chain, self._build_up)

    @classmethod
    def restore(cls, venue: str, underlying: str, config: ChainConfig, entries: Iterable[bytes]) -> "ChainKeeper":
        """The keeper whose `journal` wrote these entries, in order. Raises `UnknownVersion` for another code's."""
        keeper = cls(venue, underlying, config)
        keeper._clock = keeper._journal.read(entries, keeper._chain, keeper._build_up)
        return keeper

    @property
    def _end(self) -> int:
        return (self._clock.second + 1) * SECOND_MS

    def _envelope(self, value: bytes | None) -> Envelope:
        check_bytes(value or b"")
        try:
            envelope = _read(value or b"")
        except DECODE_ERRORS as error:
            raise Unusable(f"expected an envelope: {error}", "envelope") from None
        if envelope.venue != self._venue:
            raise Unusable(f"expected venue {self._venue}, got {envelope.venue}", "key")
        return envelope

    def _hear(self, event: Event | Unusable, recv_us: int, index: int) -> None:
        try:
            if isinstance(event, Unusable):
                raise event
            changed = self._chain.apply(event) if isinstance(event, Instrument) else self._advance(event, recv_us)
        except Unusable as unusable:
            self._reject(index, unusable)
            return
        counts = self._batch.counts
        counts.applied, counts.unchanged = counts.applied + changed, counts.unchanged + (not changed)
        if self._clock.stale:
            self._clock.stale = False
            self._batch.statuses.append(self._status("synced", "resumed", self._end))

    def _advance(self, event: OptionQuote | IndexPrice, recv_us: int) -> bool:
        """Applies an event that has a time, closing the second before it when it is the first of a later one."""
        check_time(event.time, recv_us)
        second = event.time // SECOND_MS
        before = self._chain.view(self._end) if second > self._clock.second and self._clock.unsaid else None
        if not self._chain.apply(event):
            return False
        if before is not None:
            self._say(before)
        self._clock.second = max(second, self._clock.second)
        self._clock.unsaid = True
        return True

    def _say(self, view: View) -> None:
        """The records of a view, unless nothing is listed in it."""
        if view.layout.expiries:
            model = price_chain(view)
            surface = build_surface(model)
            build_ups = self._build_up.classify(model)
            batch = self._batch
            batch.chains += map(_encode, chain_records(self._venue, model, surface))
            batch.surfaces += map(_encode, surface_records(self._venue, model, surface, build_ups))
            batch.ticks.append(_encode(underlying_tick(self._venue, model)))
            batch.counts.seconds += 1
        self._chain.evict(view.time)

    def _status(self, state: State, reason: str, event_time: int) -> bytes:
        return _encode(Status(self._venue, self._chain.underlying, event_time, state, reason))

    def _reject(self, index: int, unusable: Unusable) -> None:
        self._batch.counts.rejected += 1
        self._batch.rejects.append(Reject(index, str(unusable), unusable.where))

    def _take(self) -> ChainBatch:
        batch, self._batch = self._batch, ChainBatch()
        return batch


def open_chain_keeper(
    key: str | None, config: ChainConfig, entries: Iterable[bytes] = ()
) -> ChainKeeper | UnknownKey[ChainBatch]:
    """The keeper of a record key `venue:underlying`, restored from its journal if there is one."""
    venue, _, underlying = (key or "").partition(":")
    if venue not in VENUES or not underlying:
        reason = f"expected a key venue:underlying with venue one of {', '.join(VENUES)}, got {key!r}"
        return UnknownKey(reason, ChainBatch.refused)
    return ChainKeeper.restore(venue, underlying, config, entries)
