"""An option chain from a recording."""

from collections.abc import Iterator
from pathlib import Path

from ingestion.recordings import read_recordings
from ingestion.routing import route
from market.envelope import Unusable, frame_of
from market.errors import UserError
from market.options.chain import Chain
from market.options.legs import surface_records
from market.options.model import price_chain
from market.options.summary import chain_records
from market.options.surface import build_surface
from market.options.wire import Event, OptionQuote, parse
from market.topics import RAW_OPTIONS
from reader.chain_snapshot import Snapshot

VENUE = "deribit"


def read_recording(path: Path, underlying: str) -> Snapshot:
    """The chain as of the newest quote of a recording in any format that depthflow reads.

    Raises `UserError` when the file cannot be read, or holds no unexpired option of the underlying.
    """
    chain, others, newest = Chain(underlying), set(), 0
    for event in _events(path):
        try:
            if not isinstance(event, Unusable) and chain.apply(event) and isinstance(event, OptionQuote):
                newest = max(newest, event.time)
        except Unusable:
            others.add(event.name.partition("-")[0] if isinstance(event, OptionQuote) else "")
    view = chain.view(newest)
    if not view.layout.instruments:
        known = ", ".join(sorted(filter(None, others)))
        raise UserError(f"{path} holds no options on {underlying}: expected one of {known or 'none at all'}")
    model = price_chain(view)
    surface = build_surface(model)
    legs = surface_records(VENUE, model, surface, [None] * len(view.layout.instruments))
    return Snapshot.of(chain_records(VENUE, model, surface), legs)


def _events(path: Path) -> Iterator[Event | Unusable]:
    for envelope in read_recordings(path, venue=VENUE):
        if route(VENUE, envelope.channel, envelope.symbol).topic == RAW_OPTIONS.name:
            yield from parse(frame_of(envelope))
