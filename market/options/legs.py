"""A priced chain as records: one for each option."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from market.options.black import Floats
from market.options.buildup import BuildUp
from market.options.model import Model
from market.options.records import SurfaceRecord
from market.options.surface import Surface, reason_flags


def surface_records(
    venue: str, model: Model, surface: Surface, build_ups: Sequence[BuildUp | None]
) -> Iterator[SurfaceRecord]:
    """One record for each option, in the order of the layout, which is that of `build_ups`, shape (n,)."""
    view, quotes, greeks = model.view, model.view.quotes, model.greeks
    columns = (
        *(model.terms.forward, quotes.bid, quotes.bid_size, quotes.ask, quotes.ask_size, quotes.mark),
        *(surface.bid, surface.ask, surface.mark, quotes.mark_iv, surface.fitted),
        *(greeks.delta, model.net_delta, greeks.gamma, greeks.vega, greeks.theta, quotes.open_interest, quotes.volume),
    )
    flags = reason_flags(surface)
    for row in np.flatnonzero(quotes.bid >= quotes.ask).tolist():
        flags[row].insert(0, "crossed")
    times, exposures = view.quoted.tolist(), model.gamma_usd.tolist()
    for row, values in enumerate(zip(*map(_nullable, columns), strict=True)):
        leg = view.layout.instruments[row]
        what = (leg.name, leg.expiry, leg.strike, "call" if leg.is_call else "put")
        known = (exposures[row], build_ups[row], flags[row])
        fields: list[Any] = [venue, view.underlying, *what, view.time, int(times[row]), *values, *known]
        yield SurfaceRecord(*fields)


def _nullable(column: Floats) -> list[float | None]:
    """The column without its last element, as Python floats, None for NaN."""
    return [None if value != value else value for value in column[:-1].tolist()]
