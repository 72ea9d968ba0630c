"""The surface of a chain: our own volatility of every bid, ask and mark, and a curve through each expiry's smile."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.options.black import Floats
from market.options.implied import Reason
from market.options.model import Model
from market.options.smile import Smile
from market.options.svi import butterfly_margin, calendar_margin
from market.options.svi_fit import Fit, fit

_NO_SMILE = Smile(np.array([]), np.array([]), np.array([]))


@dataclass(frozen=True)
class Surface:
    """Columns in the order of the chain, shape (n + 1,); NaN where null, for the reason beside it.

    `fits`, `butterfly` and `calendar` are per expiry: the fitted curve, its least g(k), and its least distance in total
    variance to the nearest earlier curve, over the strikes of both. Negative margins are arbitrage.
    """

    bid: Floats
    ask: Floats
    mark: Floats
    bid_reason: NDArray[np.int8]
    ask_reason: NDArray[np.int8]
    mark_reason: NDArray[np.int8]
    fitted: Floats
    fits: list[Fit | None]
    butterfly: list[float | None]
    calendar: list[float | None]


def build_surface(model: Model) -> Surface:
    """Solves all quotes of the chain in one call and fits all its smiles in another."""
    solved = model.solve("bid", "ask", "mark")
    (bid, ask, mark), (bid_reason, ask_reason, mark_reason) = solved.vol.reshape(3, -1), solved.reason.reshape(3, -1)
    fits = fit([points or _NO_SMILE for points in model.smiles], model.years)
    butterfly = [None if f is None else butterfly_margin(f.svi, f.low, f.high) for f in fits]
    return Surface(
        bid, ask, mark, bid_reason, ask_reason, mark_reason, _fitted(model, fits), fits, butterfly, _calendar(fits)
    )


def reason_flags(surface: Surface) -> list[list[str]]:
    """`bid:below_intrinsic` and the like of every option, shape (n + 1,): which quotes have no volatility, and why."""
    flags: list[list[str]] = [[] for _ in surface.bid]
    for side, why in (("bid", surface.bid_reason), ("ask", surface.ask_reason), ("mark", surface.mark_reason)):
        for row in np.flatnonzero(why).tolist():
            flags[row].append(f"{side}:{Reason(why[row]).name.lower()}")
    return flags


def _fitted(model: Model, fits: list[Fit | None]) -> Floats:
    """The curve's volatility at every option, at its expiry's forward; NaN without a curve."""
    layout = model.view.layout
    fitted = np.full(layout.strike.shape, np.nan)
    for expiry, curve, forward, years in zip(layout.expiries, fits, model.terms.forwards, model.years, strict=True):
        if curve is not None and forward.price is not None:
            k = np.log(layout.strike[expiry.rows] / forward.price)
            fitted[expiry.rows] = np.sqrt(curve.svi.variance(k) / years)
    return fitted


def _calendar(fits: list[Fit | None]) -> list[float | None]:
    margins: list[float | None] = []
    before: Fit | None = None
    for curve in fits:
        if curve is None or before is None:
            margins.append(None)
        else:
            low, high = max(before.low, curve.low), min(before.high, curve.high)
            margins.append(calendar_margin(before.svi, curve.svi, low, high))
        before = curve or before
    return margins
