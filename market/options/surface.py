"""Volatility surface of a chain: our own volatility of every bid, ask and mark, and a curve through each smile."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.options.black76 import Bools, Floats
from market.options.implied_vol import Reason
from market.options.priced_chain import PricedChain
from market.options.resolution import MAX_FORWARD_UNIT, MAX_PRICE_UNIT, PricedVols, printed_units, undetermined
from market.options.smile import Smile
from market.options.svi import butterfly_margin, calendar_margin
from market.options.svi_fit import SviFit, fit_smiles

_EMPTY_SMILE = Smile(np.array([]), np.array([]), np.array([]))


@dataclass(frozen=True)
class Surface:
    """Volatilities in the order of the chain, shape (n + 1,); NaN where null, with the `Reason` in the other column.

    `fits`, `butterfly` and `calendar` have one element per expiry: the fitted curve, its least g(k) over its strikes,
    and its least distance in total variance to the nearest earlier curve over the strikes of both. A negative margin is
    arbitrage. `undetermined`, shape (3, n + 1): volatilities of bid, ask and mark that one printed unit moves by a
    point.
    """

    bid: Floats
    ask: Floats
    mark: Floats
    bid_reason: NDArray[np.int8]
    ask_reason: NDArray[np.int8]
    mark_reason: NDArray[np.int8]
    fitted: Floats
    fits: list[SviFit | None]
    butterfly: list[float | None]
    calendar: list[float | None]
    undetermined: Bools


def build_surface(priced: PricedChain) -> Surface:
    """Solve all quotes of the chain in one call and fit all its smiles in another."""
    solved = priced.solve("bid", "ask", "mark")
    (bid, ask, mark), (bid_reason, ask_reason, mark_reason) = solved.vol.reshape(3, -1), solved.reason.reshape(3, -1)
    fits = fit_smiles([smile or _EMPTY_SMILE for smile in priced.smiles], priced.years)
    return Surface(
        *(bid, ask, mark, bid_reason, ask_reason, mark_reason),
        fitted=_fitted_vols(priced, fits),
        fits=fits,
        butterfly=[None if fit is None else butterfly_margin(fit.svi, fit.low, fit.high) for fit in fits],
        calendar=_calendar_margins(fits),
        undetermined=_undetermined(priced, solved.vol),
    )


def reason_flags(surface: Surface) -> list[list[str]]:
    """Flags of every option, shape (n + 1,): quotes without a volatility, and why (`bid:below_intrinsic`), and
    volatilities that are undetermined.
    """
    flags: list[list[str]] = [[] for _ in surface.bid]
    columns = (("bid", surface.bid_reason), ("ask", surface.ask_reason), ("mark", surface.mark_reason))
    for field, reasons in columns:
        for row in np.flatnonzero(reasons).tolist():
            flags[row].append(f"{field}:{Reason(reasons[row]).name.lower()}")
    for flag, rows in zip(("bid_undetermined", "ask_undetermined", "undetermined"), surface.undetermined, strict=True):
        for row in np.flatnonzero(rows).tolist():
            flags[row].append(flag)
    return flags


def _undetermined(priced: PricedChain, vol: Floats) -> Bools:
    """Volatilities of bids, asks and marks that are undetermined, shape (3, n + 1); `vol` has them in one row.

    A mark is rounded to its last digit. Bids and asks are exact: orders have these prices.
    """
    quotes, layout, terms = priced.view.quotes, priced.view.layout, priced.terms
    parts = [expiry.rows for expiry in layout.expiries]
    money = terms.unit_value * terms.compounding
    mark_unit = np.fmin(printed_units(quotes.mark, parts) * money, MAX_PRICE_UNIT * terms.forward)
    forward_unit = np.fmin(printed_units(quotes.underlying, parts), MAX_FORWARD_UNIT * terms.forward)
    exact = np.zeros(mark_unit.shape)
    at = PricedVols(
        vol=vol,
        price=np.concatenate([quotes.bid * money, quotes.ask * money, quotes.mark * money]),
        forward=np.tile(terms.forward, 3),
        strike=np.tile(layout.strike, 3),
        years=np.tile(terms.years, 3),
        is_call=np.tile(layout.is_call, 3),
        linear=np.tile(layout.linear, 3),
        price_unit=np.concatenate([exact, exact, mark_unit]),
        forward_unit=np.tile(forward_unit, 3),
    )
    return undetermined(at).reshape(3, -1)


def _fitted_vols(priced: PricedChain, fits: list[SviFit | None]) -> Floats:
    """Volatility of the curve at every option, at its expiry's forward, shape (n + 1,); NaN without a curve."""
    layout = priced.view.layout
    fitted = np.full(layout.strike.shape, np.nan)
    for expiry, fit, forward, years in zip(layout.expiries, fits, priced.terms.forwards, priced.years, strict=True):
        if fit is not None and forward.price is not None:
            k = np.log(layout.strike[expiry.rows] / forward.price)
            fitted[expiry.rows] = np.sqrt(fit.svi.total_variance(k) / years)
    return fitted


def _calendar_margins(fits: list[SviFit | None]) -> list[float | None]:
    margins: list[float | None] = []
    previous: SviFit | None = None
    for fit in fits:
        if fit is None or previous is None:
            margins.append(None)
        else:
            low, high = max(previous.low, fit.low), min(previous.high, fit.high)
            margins.append(calendar_margin(previous.svi, fit.svi, low, high))
        previous = fit or previous
    return margins
