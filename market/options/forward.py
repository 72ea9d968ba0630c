"""Which forward an expiry has: the published one, or where the venue publishes the index, that of put-call parity."""

from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from market.options.black import DAYS_PER_YEAR, Floats
from market.options.layout import Expiry
from market.options.view import View

MS_PER_YEAR = DAYS_PER_YEAR * 86_400_000

Source: TypeAlias = Literal["published", "parity"]


class Forward(NamedTuple):
    """The forward of one expiry in the quote currency; both None where neither way gives one."""

    price: float | None
    source: Source | None


class Terms(NamedTuple):
    """What pricing a chain takes beside its quotes; columns of shape (n + 1,).

    `forward`: each option's own, so that a quote meets the forward of its time. `years`: act/365 from the quote to the
    expiry. A quoted price times `worth` (the forward for inverse options, 1 for linear ones) is in the quote currency,
    and times `growth` (1 / discount; 1 for inverse options) undiscounted. `forwards`: the newest of each expiry.
    """

    forward: Floats
    years: Floats
    worth: Floats
    growth: Floats
    forwards: tuple[Forward, ...]


def terms(view: View) -> Terms:
    """The terms of every option of a view.

    A published price that is a future's or a synthetic one is the option's forward. Otherwise it is the index, which
    the venue did not make its marks with: the expiry's parity forward takes its place (analytics.md §4.1).
    """
    quotes, layout = view.quotes, view.layout
    years = (layout.expiry - view.quoted) / MS_PER_YEAR
    growth = np.where(layout.linear, np.exp(np.nan_to_num(quotes.rate) * years), 1.0)
    forward = np.where(quotes.is_forward == 1, quotes.underlying, np.nan)
    forwards = []
    for expiry in layout.expiries:
        own = forward[expiry.rows]
        if np.isnan(own).any():
            parity = parity_forward(expiry, quotes.mark, growth)
            forward[expiry.rows] = np.where(np.isnan(own), np.nan if parity is None else parity, own)
        forwards.append(_newest(expiry, view, forward))
    return Terms(forward, years, np.where(layout.linear, 1.0, forward), growth, tuple(forwards))


def parity_forward(expiry: Expiry, mark: Floats, growth: Floats) -> float | None:
    """Median over the strikes of K / (1 - (c - p)) in coin, or of K + growth * (c - p) for linear options.

    `mark` and `growth` (1 / discount) are columns of the chain. None where no strike has both marks.
    """
    difference = mark[expiry.calls] - mark[expiry.puts]
    with np.errstate(divide="ignore"):
        each = (
            expiry.strikes + growth[expiry.calls] * difference if expiry.linear else expiry.strikes / (1 - difference)
        )
    each = each[(each > 0) & np.isfinite(each)]
    return float(np.median(each)) if each.size else None


def _newest(expiry: Expiry, view: View, forward: Floats) -> Forward:
    """The forward of the newest quote; of several in one millisecond the highest, whatever their order."""
    price = forward[expiry.rows]
    quoted = np.where(np.isnan(price), -1, view.quoted[expiry.rows])
    newest = np.flatnonzero(quoted == quoted.max())
    best = newest[np.argmax(price[newest])]
    if np.isnan(price[best]):
        return Forward(None, None)
    published = view.quotes.is_forward[expiry.rows][best] == 1
    return Forward(float(price[best]), "published" if published else "parity")
