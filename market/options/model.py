"""A view of a chain, priced: forward, volatility, Greeks and exposure of every option, once for all that follows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from market.options.black import Floats, Greeks, greeks
from market.options.exposure import naive_profile, naive_sign, per_percent
from market.options.forward import MS_PER_YEAR, Terms, terms
from market.options.implied import Implied, implied_vol
from market.options.positioning import Lots, lots
from market.options.settlement import net_delta, share_left
from market.options.smile import Smile, smile
from market.options.view import View


@dataclass(frozen=True)
class Model:
    """Columns have shape (n + 1,), the last element being none, so that the place -1 of a missing leg reads NaN."""

    view: View
    terms: Terms

    @cached_property
    def vol(self) -> Floats:
        """The venue's mark volatility, or where it gives none our own of its mark price."""
        venue = self.view.quotes.mark_iv
        return venue if not np.isnan(venue[:-1]).any() else np.where(np.isnan(venue), self.solve("mark").vol, venue)

    @cached_property
    def greeks(self) -> Greeks:
        """Greeks from `vol`, running out over the settlement window."""
        layout = self.view.layout
        plain = greeks(self.terms.forward, layout.strike, self.terms.years, self.vol, layout.is_call)
        return Greeks(*(each * self.left for each in plain))

    @cached_property
    def left(self) -> Floats:
        """Share of each option that is not settled yet."""
        return share_left(self.terms.years)

    @cached_property
    def net_delta(self) -> Floats:
        """Delta less the coin of the mark; NaN for linear options, whose premium is money."""
        return np.where(self.view.layout.linear, np.nan, net_delta(self.greeks.delta, self.view.quotes.mark, self.left))

    @cached_property
    def premium(self) -> Floats:
        """Mark price in money."""
        return self.view.quotes.mark * self.terms.worth

    @cached_property
    def premium_held(self) -> Floats:
        """Value of the open interest at the mark, in money; 0 where either is unknown."""
        return np.nan_to_num(self.view.quotes.open_interest * self.premium)

    @cached_property
    def held(self) -> Lots:
        """Open interest in exact units; a missing leg has none."""
        return lots(self.view.quotes.open_interest)

    @cached_property
    def traded(self) -> Lots:
        """Volume of the last 24 hours in exact units; a missing leg has none."""
        return lots(self.view.quotes.volume)

    @cached_property
    def gamma_usd(self) -> Floats:
        """Gross gamma exposure of each option's open interest, money per 1 % move of its forward."""
        return per_percent(self.greeks.gamma, self.view.quotes.open_interest, self.terms.forward)

    @cached_property
    def naive_profile(self) -> Floats:
        """Naive gamma exposure over `exposure.MOVES`, shape (expiries, moves)."""
        layout, part = self.view.layout, slice(None, -1)
        starts = np.array([expiry.rows.start for expiry in layout.expiries], np.intp)
        signed = naive_sign(layout.is_call[part]) * (self.view.quotes.open_interest * self.left)[part]
        return naive_profile(
            self.terms.forward[part], layout.strike[part], self.terms.years[part], self.vol[part], signed, starts
        )

    @cached_property
    def years(self) -> list[float]:
        """act/365 from the view's time to each expiry."""
        return [(expiry.time - self.view.time) / MS_PER_YEAR for expiry in self.view.layout.expiries]

    @cached_property
    def smiles(self) -> list[Smile | None]:
        """The smile of each expiry, from `vol`; None without a forward."""
        listed = zip(self.view.layout.expiries, self.terms.forwards, self.years, strict=True)
        return [
            None
            if forward.price is None
            else smile(e.strikes, self.vol[e.calls], self.vol[e.puts], forward.price, years)
            for e, forward, years in listed
        ]

    def solve(self, *fields: str) -> Implied:
        """Our own volatilities of the quotes `bid`, `ask` or `mark`: one after the other, shape (fields * (n + 1),)."""
        layout, n = self.view.layout, len(fields)
        to_money = self.terms.worth * self.terms.growth
        return implied_vol(
            np.concatenate([getattr(self.view.quotes, field) * to_money for field in fields]),
            np.tile(self.terms.forward, n),
            np.tile(layout.strike, n),
            np.tile(self.terms.years, n),
            np.tile(layout.is_call, n),
        )


def price_chain(view: View) -> Model:
    """The model of a view; an empty view gives an empty one."""
    return Model(view, terms(view))
