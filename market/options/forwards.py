"""Forward of each expiry: the published one, or that of put-call parity where the exchange publishes the index."""

from typing import NamedTuple

import numpy as np

from market.options.black76 import DAYS_PER_YEAR, Floats
from market.options.chain_view import ChainView, Expiry
from market.options.kinds import ForwardSource

MS_PER_YEAR = DAYS_PER_YEAR * 86_400_000


class Forward(NamedTuple):
    """Forward of one expiry in the quote currency; both fields are None where no source gives one.

    `source`: origin of the price. It is `parity` also if the exchange names a future but has sent no price of it.
    """

    price: float | None
    source: ForwardSource | None


class PricingTerms(NamedTuple):
    """Inputs of pricing other than the quotes; columns of shape (n + 1,).

    `forward`: the forward of each option, as of its own quote. `years`: act/365 from the quote to the expiry. A quoted
    price times `unit_value` (the forward for inverse options, 1 for linear ones) is in the quote currency; times
    `compounding` (1 / discount factor; 1 for inverse options) it is undiscounted. `forwards`: newest of each expiry.
    """

    forward: Floats
    years: Floats
    unit_value: Floats
    compounding: Floats
    forwards: tuple[Forward, ...]


def pricing_terms(view: ChainView) -> PricingTerms:
    """Pricing terms of every option of a view.

    A published price of a future or of a synthetic future is the option's forward. A published index is not: the
    exchange makes its marks with another forward. The expiry's parity forward takes its place; using the index instead
    puts volatilities off by up to 0.64 points on the recorded chain. Stale quotes give no forward of an expiry, and
    a parity forward only to one another.
    """
    quotes, layout = view.quotes, view.layout
    years = (layout.expiry - view.quote_time) / MS_PER_YEAR
    compounding = np.where(layout.linear, np.exp(np.nan_to_num(quotes.rate) * years), 1.0)
    forward = np.where(quotes.is_forward == 1, quotes.underlying, np.nan)
    fresh_mark = np.where(view.ages.stale, np.nan, quotes.mark)
    forwards = []
    for expiry in layout.expiries:
        published = forward[expiry.rows].copy()
        if np.isnan(published).any():
            parity = parity_forward(expiry, fresh_mark, compounding)
            if parity is None:
                parity = parity_forward(expiry, quotes.mark, compounding)
            forward[expiry.rows] = np.where(np.isnan(published), np.nan if parity is None else parity, published)
        forwards.append(_newest_forward(expiry, view, forward, published))
    return PricingTerms(forward, years, np.where(layout.linear, 1.0, forward), compounding, tuple(forwards))


def parity_forward(expiry: Expiry, mark: Floats, compounding: Floats) -> float | None:
    """Put-call parity: median over the strikes of K / (1 - (c - p)) in coin, or K + compounding * (c - p) if linear.

    `mark` and `compounding` are columns of the chain. None where no strike has both marks. A mark of 0 is no mark:
    two of them would give the strike as the forward.
    """
    mark = np.where(mark > 0, mark, np.nan)
    difference = mark[expiry.calls] - mark[expiry.puts]
    with np.errstate(divide="ignore"):
        if expiry.linear:
            estimates = expiry.strikes + compounding[expiry.calls] * difference
        else:
            estimates = expiry.strikes / (1 - difference)
    estimates = estimates[(estimates > 0) & np.isfinite(estimates)]
    return float(np.median(estimates)) if estimates.size else None


def _newest_forward(expiry: Expiry, view: ChainView, forward: Floats, published: Floats) -> Forward:
    """Forward of the newest quote; of several quotes in one millisecond the highest, so that order does not matter.

    `published`: published forwards of the expiry's options, NaN where there is none.
    """
    price = np.where(view.ages.stale[expiry.rows], np.nan, forward[expiry.rows])
    quote_time = np.where(np.isnan(price), -1, view.quote_time[expiry.rows])
    newest = np.flatnonzero(quote_time == quote_time.max())
    best = newest[np.argmax(price[newest])]
    if np.isnan(price[best]):
        return Forward(None, None)
    return Forward(float(price[best]), "parity" if np.isnan(published[best]) else "published")
