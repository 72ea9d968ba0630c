"""Records of topic `options.surface`: one for each option of a priced chain."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from market.options.black76 import Floats
from market.options.kinds import BuildUp
from market.options.priced_chain import PricedChain
from market.options.records import SurfaceRecord
from market.options.surface import Surface, reason_flags


def surface_records(
    venue: str, priced: PricedChain, surface: Surface, build_ups: Sequence[BuildUp | None]
) -> Iterator[SurfaceRecord]:
    """One record for each option, in the order of the layout. `build_ups` has the same order, shape (n,)."""
    view, quotes, greeks = priced.view, priced.view.quotes, priced.greeks
    columns = (
        *(priced.terms.forward, quotes.bid, quotes.bid_size, quotes.ask, quotes.ask_size, quotes.mark),
        *(surface.bid, surface.ask, surface.mark, quotes.mark_iv, surface.fitted),
        *(greeks.delta, priced.net_delta, greeks.gamma, greeks.vega, greeks.theta, quotes.open_interest, quotes.volume),
    )
    flags = reason_flags(surface)
    for row in np.flatnonzero(quotes.bid >= quotes.ask).tolist():
        flags[row].insert(0, "crossed")
    for row in np.flatnonzero(view.ages.stale).tolist():
        flags[row].append("stale_quotes")
    times, exposures = view.quote_time.tolist(), priced.gamma_usd.tolist()
    for row, values in enumerate(zip(*map(_nullable, columns), strict=True)):
        option = view.layout.instruments[row]
        identity = (option.name, option.expiry, option.strike, "call" if option.is_call else "put")
        derived = (exposures[row], build_ups[row], flags[row], view.time - int(times[row]))
        fields: list[Any] = [venue, view.underlying, *identity, view.time, int(times[row]), *values, *derived]
        yield SurfaceRecord(*fields)


def _nullable(column: Floats) -> list[float | None]:
    """Column without its last element, as Python floats; None for NaN."""
    return [None if value != value else value for value in column[:-1].tolist()]
