"""Prices of a chain's view: forward, volatility, Greeks and exposure of every option, each computed at most once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from market.options.black76 import Floats, Greeks, greeks
from market.options.chain_view import ChainView
from market.options.exposure import gamma_exposure, naive_profile, naive_sign, net_delta, unsettled_share
from market.options.forwards import MS_PER_YEAR, PricingTerms, pricing_terms
from market.options.implied_vol import ImpliedVols, implied_vol
from market.options.positioning import FixedPoint, to_fixed_point
from market.options.smile import Smile, build_smile


@dataclass(frozen=True)
class PricedChain:
    """Columns have shape (n + 1,); the last element is NaN, so that index -1 of a missing leg reads NaN."""

    view: ChainView
    terms: PricingTerms

    @cached_property
    def vol(self) -> Floats:
        """The exchange's mark volatility, or our own volatility of the mark price where it publishes none."""
        published = self.view.quotes.mark_iv
        if not np.isnan(published[:-1]).any():
            return published
        return np.where(np.isnan(published), self.solve("mark").vol, published)

    @cached_property
    def smile_vol(self) -> Floats:
        """`vol` of the options whose quotes are not stale."""
        return np.where(self.view.ages.stale, np.nan, self.vol)

    @cached_property
    def fresh_mark(self) -> Floats:
        """Mark prices above 0 of quotes that are not stale; NaN elsewhere, since a mark of 0 is no mark."""
        mark = self.view.quotes.mark
        return np.where(self.view.ages.stale | ~(mark > 0), np.nan, mark)

    @cached_property
    def greeks(self) -> Greeks:
        """Greeks from `vol`, decayed over the settlement window."""
        layout = self.view.layout
        undecayed = greeks(self.terms.forward, layout.strike, self.terms.years, self.vol, layout.is_call)
        return Greeks(*(column * self.unsettled_share for column in undecayed))

    @cached_property
    def unsettled_share(self) -> Floats:
        """Share of each option that is not settled yet."""
        return unsettled_share(self.terms.years)

    @cached_property
    def net_delta(self) -> Floats:
        """Delta less the mark price in coin; NaN for linear options, whose premium is not in coin."""
        inverse = net_delta(self.greeks.delta, self.view.quotes.mark, self.unsettled_share)
        return np.where(self.view.layout.linear, np.nan, inverse)

    @cached_property
    def premium(self) -> Floats:
        """`fresh_mark` in the quote currency."""
        return self.fresh_mark * self.terms.unit_value

    @cached_property
    def open_interest_value(self) -> Floats:
        """Open interest times mark price, in the quote currency; 0 where either is unknown."""
        return np.nan_to_num(self.view.quotes.open_interest * (self.view.quotes.mark * self.terms.unit_value))

    @cached_property
    def open_interest_fixed(self) -> FixedPoint:
        """Open interest in fixed point; 0 for a missing leg."""
        return to_fixed_point(self.view.quotes.open_interest)

    @cached_property
    def volume_fixed(self) -> FixedPoint:
        """Volume of the last 24 hours in fixed point; 0 for a missing leg."""
        return to_fixed_point(self.view.quotes.volume)

    @cached_property
    def gamma_usd(self) -> Floats:
        """Gross gamma exposure of each option's open interest, quote currency per 1 % move of its forward."""
        return gamma_exposure(self.greeks.gamma, self.view.quotes.open_interest, self.terms.forward)

    @cached_property
    def naive_profile(self) -> Floats:
        """Naive gamma exposure over `exposure.MOVES`, shape (expiries, moves)."""
        layout, part = self.view.layout, slice(None, -1)
        starts = np.array([expiry.rows.start for expiry in layout.expiries], np.intp)
        signed = naive_sign(layout.is_call[part]) * (self.view.quotes.open_interest * self.unsettled_share)[part]
        return naive_profile(
            self.terms.forward[part], layout.strike[part], self.terms.years[part], self.vol[part], signed, starts
        )

    @cached_property
    def years(self) -> list[float]:
        """act/365 from the view's time to each expiry."""
        return [(expiry.time - self.view.time) / MS_PER_YEAR for expiry in self.view.layout.expiries]

    @cached_property
    def smiles(self) -> list[Smile | None]:
        """Smile of each expiry from `smile_vol`; None without a forward."""
        expiries = zip(self.view.layout.expiries, self.terms.forwards, self.years, strict=True)
        return [
            None
            if forward.price is None
            else build_smile(e.strikes, self.smile_vol[e.calls], self.smile_vol[e.puts], forward.price, years)
            for e, forward, years in expiries
        ]

    def solve(self, *fields: str) -> ImpliedVols:
        """Our own volatilities of the quotes `bid`, `ask` or `mark`, concatenated; shape (fields * (n + 1),)."""
        layout, n = self.view.layout, len(fields)
        undiscounted = self.terms.unit_value * self.terms.compounding
        return implied_vol(
            np.concatenate([getattr(self.view.quotes, field) * undiscounted for field in fields]),
            np.tile(self.terms.forward, n),
            np.tile(layout.strike, n),
            np.tile(self.terms.years, n),
            np.tile(layout.is_call, n),
        )


def price_chain(view: ChainView) -> PricedChain:
    """Priced chain of a view; an empty view gives an empty one."""
    return PricedChain(view, pricing_terms(view))
