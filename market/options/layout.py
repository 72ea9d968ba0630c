"""How a chain's options lie in arrays: by expiry, strike, put before call, and how each expiry's strikes find them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from market.options.black import Bools, Floats
from market.options.instrument import Instrument


@dataclass(frozen=True)
class Expiry:
    """One expiry of a chain. `strikes`: ascending, shape (n,).

    `calls` and `puts`, shape (n,), are the places of the legs in the chain's columns, -1 where a leg is not listed: the
    columns end in a NaN, so that a missing leg reads NaN without being asked for.
    """

    time: int
    linear: bool
    rows: slice
    strikes: Floats
    calls: NDArray[np.intp]
    puts: NDArray[np.intp]


@dataclass(frozen=True)
class Layout:
    """The order of a chain's columns. `instruments`: n; `source`: where each was stored, shape (n,).

    The columns `strike`, `expiry` (epoch ms), `is_call` and `linear` have shape (n + 1,), the last element being none.
    """

    instruments: tuple[Instrument, ...]
    source: NDArray[np.intp]
    strike: Floats
    expiry: Floats
    is_call: Bools
    linear: Bools
    expiries: tuple[Expiry, ...]


def lay_out(stored: Mapping[int, Instrument]) -> Layout:
    """The layout of the options stored in the given rows. An expiry counts as linear when its options are."""
    order = sorted(stored.items(), key=lambda item: (item[1].expiry, item[1].strike, item[1].is_call))
    listed = [instrument for _, instrument in order]
    return Layout(
        instruments=tuple(listed),
        source=np.array([row for row, _ in order], np.intp),
        strike=np.array([i.strike for i in listed] + [np.nan]),
        expiry=np.array([i.expiry for i in listed] + [np.nan]),
        is_call=np.array([i.is_call for i in listed] + [False]),
        linear=np.array([i.linear for i in listed] + [False]),
        expiries=tuple(_expiries(listed)),
    )


def _expiries(listed: list[Instrument]) -> list[Expiry]:
    expiries = []
    for time, group in groupby(enumerate(listed), key=lambda item: item[1].expiry):
        legs = list(group)
        strikes = sorted({i.strike for _, i in legs})
        rungs = {strike: rung for rung, strike in enumerate(strikes)}
        calls, puts = np.full((2, len(strikes)), -1, np.intp)
        for row, i in legs:
            (calls if i.is_call else puts)[rungs[i.strike]] = row
        rows = slice(legs[0][0], legs[-1][0] + 1)
        expiries.append(Expiry(time, legs[0][1].linear, rows, np.array(strikes), calls, puts))
    return expiries
