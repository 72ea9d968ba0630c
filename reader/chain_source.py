"""An option chain read from a recording: priced, with its surface, ready to be shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ingestion.recordings import read_recordings
from ingestion.routing import route
from market.envelope import Unusable, frame_of
from market.errors import UserError
from market.options.chain import Chain
from market.options.legs import surface_records
from market.options.model import Model, price_chain
from market.options.records import ChainRecord, SurfaceRecord
from market.options.summary import chain_records
from market.options.surface import Surface, build_surface
from market.options.wire import Event, OptionQuote, parse
from market.topics import RAW_OPTIONS

VENUE = "deribit"


@dataclass(frozen=True)
class Snapshot:
    """A chain at one instant. `expiries` and `legs` are the records that the options job would write for it."""

    model: Model
    surface: Surface
    expiries: list[ChainRecord]
    legs: list[SurfaceRecord]
    unusable: int

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.model.view.time / 1000, timezone.utc)

    def place(self, wanted: str | None) -> int:
        """The place among `expiries` of `29APR26` or `2026-04-29`; None: of the most open interest."""
        if wanted is None:
            held = [expiry.call_open_interest + expiry.put_open_interest for expiry in self.expiries]
            return held.index(max(held))
        names = [expiry_name(expiry.expiry) for expiry in self.expiries]
        for spelt in (names, [f"{_utc(expiry.expiry):%Y-%m-%d}" for expiry in self.expiries]):
            if wanted.upper() in spelt:
                return spelt.index(wanted.upper())
        raise UserError(f"no expiry {wanted} in this chain: expected one of {', '.join(names)}")


def read_chain(path: Path, underlying: str) -> Snapshot:
    """The chain as of the newest quote of a recording in any format that depthflow reads.

    Raises `UserError` when the file cannot be read, or holds no unexpired option of the underlying.
    """
    chain, others, unusable, newest = Chain(underlying), set(), 0, 0
    for event in _events(path):
        try:
            if isinstance(event, Unusable):
                raise event
            if chain.apply(event) and isinstance(event, OptionQuote):
                newest = max(newest, event.time)
        except Unusable:
            unusable += 1
            others.add(event.name.partition("-")[0] if isinstance(event, OptionQuote) else "")
    view = chain.view(newest)
    if not view.layout.instruments:
        known = ", ".join(sorted(filter(None, others)))
        raise UserError(f"{path} holds no options on {underlying}: expected one of {known or 'none at all'}")
    model = price_chain(view)
    surface = build_surface(model)
    legs = list(surface_records(VENUE, model, surface, [None] * len(view.layout.instruments)))
    return Snapshot(model, surface, chain_records(VENUE, model, surface), legs, unusable)


def _events(path: Path) -> Iterator[Event | Unusable]:
    for envelope in read_recordings(path, venue=VENUE):
        if route(VENUE, envelope.channel, envelope.symbol).topic == RAW_OPTIONS.name:
            yield from parse(frame_of(envelope))


def expiry_name(expiry: int) -> str:
    """`29APR26`, as the venue spells the day of an expiry (epoch ms)."""
    day = _utc(expiry)
    return f"{day.day}{day:%b%y}".upper()


def _utc(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, timezone.utc)
