"""Columns of a chain at an instant, and their order: by expiry, by strike, the put before the call.

Columns of n options have shape (n + 1,). The last element is NaN, so that index -1 of a missing leg reads NaN without a
check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.options.black76 import Bools, Floats
from market.options.events import Instrument

STALE_FACTOR = 10


class QuoteColumns(NamedTuple):
    """One column for each field of `Quote`, shape (n + 1,)."""

    bid: Floats
    bid_size: Floats
    ask: Floats
    ask_size: Floats
    mark: Floats
    mark_iv: Floats
    open_interest: Floats
    volume: Floats
    underlying: Floats
    is_forward: Floats
    index_price: Floats
    rate: Floats


@dataclass(frozen=True)
class Expiry:
    """One expiry of a chain. `time`: epoch ms. `rows`: its part of the columns. `strikes`: ascending, shape (k,).

    `calls` and `puts`, shape (k,), are the rows of each strike's legs; -1 where a leg is not listed.
    """

    time: int
    linear: bool
    rows: slice
    strikes: Floats
    calls: NDArray[np.intp]
    puts: NDArray[np.intp]


@dataclass(frozen=True)
class ColumnLayout:
    """Order of a chain's columns. `instruments`: n; `stored_rows`: the row of each in `Chain`, shape (n,).

    The columns `strike`, `expiry` (epoch ms), `is_call` and `linear` have shape (n + 1,).
    """

    instruments: tuple[Instrument, ...]
    stored_rows: NDArray[np.intp]
    strike: Floats
    expiry: Floats
    is_call: Bools
    linear: Bools
    expiries: tuple[Expiry, ...]


@dataclass(frozen=True)
class QuoteAges:
    """Ages of a chain's quotes at an instant, ms.

    `age` and `stale`, shape (n + 1,); a stale quote feeds no forward and no smile. `expiry_age`: age of the newest
    quote of each expiry. `stale_count`: number of stale quotes of each expiry.
    """

    age: Floats
    stale: Bools
    expiry_age: tuple[int, ...]
    stale_count: tuple[int, ...]


@dataclass(frozen=True)
class ChainView:
    """Unexpired options of a chain at `time` (epoch ms). `quote_time`: exchange's time of each quote, ms.

    `refused`: number of options by expiry (epoch ms) whose newest row was refused.
    """

    underlying: str
    time: int
    layout: ColumnLayout
    quote_time: Floats
    quotes: QuoteColumns
    index_price: float
    ages: QuoteAges
    refused: Mapping[int, int] = field(default_factory=dict)


def quote_ages(layout: ColumnLayout, quote_time: Floats, time: int, stale_after_ms: int) -> QuoteAges:
    """Ages of quotes at `time`.

    All quotes of an expiry are stale when the newest of them is older than `stale_after_ms`; a single one is stale when
    it is older than STALE_FACTOR times that, since options far from the money are quoted rarely.
    """
    age = time - quote_time
    stale = age > STALE_FACTOR * stale_after_ms
    expiry_age = []
    for expiry in layout.expiries:
        expiry_age.append(int(age[expiry.rows].min()))
        if expiry_age[-1] > stale_after_ms:
            stale[expiry.rows] = True
    count = tuple(int(np.count_nonzero(stale[expiry.rows])) for expiry in layout.expiries)
    return QuoteAges(age, stale, tuple(expiry_age), count)


def build_layout(stored: Mapping[int, Instrument]) -> ColumnLayout:
    """Layout of options by their stored row. An expiry is linear when its first option is."""
    order = sorted(stored.items(), key=lambda item: (item[1].expiry, item[1].strike, item[1].is_call, item[1].name))
    instruments = [instrument for _, instrument in order]
    return ColumnLayout(
        instruments=tuple(instruments),
        stored_rows=np.array([row for row, _ in order], np.intp),
        strike=np.array([i.strike for i in instruments] + [np.nan]),
        expiry=np.array([i.expiry for i in instruments] + [np.nan]),
        is_call=np.array([i.is_call for i in instruments] + [False]),
        linear=np.array([i.linear for i in instruments] + [False]),
        expiries=tuple(_expiries(instruments)),
    )


def _expiries(instruments: list[Instrument]) -> list[Expiry]:
    expiries = []
    for time, group in groupby(enumerate(instruments), key=lambda item: item[1].expiry):
        options = list(group)
        strikes = sorted({i.strike for _, i in options})
        strike_index = {strike: index for index, strike in enumerate(strikes)}
        calls, puts = np.full((2, len(strikes)), -1, np.intp)
        for row, i in options:
            (calls if i.is_call else puts)[strike_index[i.strike]] = row
        rows = slice(options[0][0], options[-1][0] + 1)
        expiries.append(Expiry(time, options[0][1].linear, rows, np.array(strikes), calls, puts))
    return expiries
