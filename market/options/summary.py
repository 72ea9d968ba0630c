"""A priced chain as records: one for each expiry, and one for the whole."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from market.options.exposure import naive_sign, zero_level
from market.options.layout import Expiry
from market.options.model import Model
from market.options.positioning import amount, max_pain, ratio, wall
from market.options.records import ChainRecord, UnderlyingTick
from market.options.smile import Skew, Straddle, atm_strike, atm_vol, skew, straddle
from market.options.surface import Surface
from market.options.term import Step, forward_steps

# Why a field is None, in the order in which the flags stand.
_REASONS = {
    "forward": "no_forward",
    "pcr_open_interest": "no_call_interest",
    "pcr_volume": "no_call_volume",
    "max_pain": "no_open_interest",
    "straddle": "no_straddle",
    "atm_iv": "no_atm_iv",
    "risk_reversal_25": "no_25_delta",
    "zero_gamma": "no_zero_gamma",
    "svi_a": "no_fit",
}


def chain_records(venue: str, model: Model, surface: Surface | None = None) -> list[ChainRecord]:
    """One record for each expiry, the nearest first; without a surface the fields of the fit are None."""
    at_the_money = [None if points is None else atm_vol(points) for points in model.smiles]
    steps = forward_steps(model.years, at_the_money)
    records = []
    for index, expiry in enumerate(model.view.layout.expiries):
        fields = {
            **_listing(venue, model, index),
            **_positioning(model, expiry, model.terms.forwards[index].price),
            **_volatility(model, index, at_the_money[index], steps[index]),
            **_exposure(model, index),
            **_fit(surface, index),
        }
        records.append(ChainRecord(**fields, flags=list(_flags(fields, expiry, steps[index]))))
    return records


def underlying_tick(venue: str, model: Model) -> UnderlyingTick:
    """The chain as a whole: ratios of sums over all expiries, never means of ratios."""
    view, layout = model.view, model.view.layout
    calls, puts = np.flatnonzero(layout.is_call[:-1]), np.flatnonzero(~layout.is_call[:-1])
    held, volume = model.held, model.traded
    index = None if math.isnan(view.index_price) else view.index_price
    return UnderlyingTick(
        venue=venue,
        underlying=view.underlying,
        event_time=view.time,
        index_price=index,
        options=len(layout.instruments),
        expiries=len(layout.expiries),
        call_open_interest=amount(held[calls]),
        put_open_interest=amount(held[puts]),
        pcr_open_interest=ratio(held[puts], held[calls]),
        pcr_volume=ratio(volume[puts], volume[calls]),
        gamma_gross=float(model.gamma_usd.sum()),
        gamma_naive=float((naive_sign(layout.is_call) * model.gamma_usd).sum()),
        zero_gamma=zero_level(model.naive_profile.sum(axis=0), index) if index is not None else None,
    )


def _listing(venue: str, model: Model, index: int) -> dict[str, Any]:
    view, expiry, forward = model.view, model.view.layout.expiries[index], model.terms.forwards[index]
    return {
        "venue": venue,
        "underlying": view.underlying,
        "expiry": expiry.time,
        "event_time": view.time,
        "linear": expiry.linear,
        "strikes": len(expiry.strikes),
        "options": expiry.rows.stop - expiry.rows.start,
        "years": model.years[index],
        "forward": forward.price,
        "forward_source": forward.source,
        "index_price": None if math.isnan(view.index_price) else view.index_price,
    }


def _positioning(model: Model, expiry: Expiry, forward: float | None) -> dict[str, Any]:
    calls, puts = model.held[expiry.calls], model.held[expiry.puts]
    call_volume, put_volume = model.traded[expiry.calls], model.traded[expiry.puts]
    premium = model.premium_held
    pain = max_pain(expiry.strikes, calls, puts, forward)
    return {
        "call_open_interest": amount(calls),
        "put_open_interest": amount(puts),
        "pcr_open_interest": ratio(puts, calls),
        "call_volume": amount(call_volume),
        "put_volume": amount(put_volume),
        "pcr_volume": ratio(put_volume, call_volume),
        "max_pain": pain and pain.strike,
        "max_pain_low": pain and pain.low,
        "max_pain_high": pain and pain.high,
        "pain": pain and pain.pain,
        "max_pain_coin": pain and pain.coin,
        "call_wall": wall(expiry.strikes, calls, forward),
        "put_wall": wall(expiry.strikes, puts, forward),
        "call_premium": float(premium[expiry.calls].sum()),
        "put_premium": float(premium[expiry.puts].sum()),
    }


def _volatility(model: Model, index: int, at_the_money: float | None, step: Step) -> dict[str, Any]:
    expiry, points = model.view.layout.expiries[index], model.smiles[index]
    measured = Skew(None, None, None) if points is None else skew(points)
    strike, both = _straddle(model, index)
    return {
        "atm_strike": strike,
        "straddle": both and both.price,
        "straddle_coin": None if expiry.linear else both and both.coin,
        "straddle_source": both and both.source,
        "implied_move": both and both.coin,
        "atm_iv": at_the_money,
        "risk_reversal_25": measured.risk_reversal,
        "butterfly_25": measured.butterfly,
        "skew_slope": measured.slope,
        "forward_variance": step.variance,
        "forward_vol": step.vol,
    }


def _straddle(model: Model, index: int) -> tuple[float | None, Straddle | None]:
    """The at-the-money strike of an expiry and its straddle."""
    expiry, forward, quotes = model.view.layout.expiries[index], model.terms.forwards[index].price, model.view.quotes
    if forward is None:
        return None, None
    strike = atm_strike(expiry.strikes, forward)
    rung = int(np.searchsorted(expiry.strikes, strike))
    legs = np.array([expiry.calls[rung], expiry.puts[rung]])
    bid, ask = quotes.bid[legs], quotes.ask[legs]
    mids = np.where(bid < ask, (bid + ask) / 2, np.nan)
    return strike, straddle(mids, quotes.mark[legs], 1.0 if expiry.linear else forward, forward)


def _exposure(model: Model, index: int) -> dict[str, Any]:
    rows, forward = model.view.layout.expiries[index].rows, model.terms.forwards[index].price
    gross = model.gamma_usd[rows]
    return {
        "gamma_gross": float(gross.sum()),
        "gamma_naive": float((naive_sign(model.view.layout.is_call[rows]) * gross).sum()),
        "zero_gamma": None if forward is None else zero_level(model.naive_profile[index], forward),
    }


def _fit(surface: Surface | None, index: int) -> dict[str, Any]:
    curve = surface.fits[index] if surface else None
    parameters = curve.svi if curve else [None] * 5
    return {
        **dict(zip(("svi_a", "svi_b", "svi_rho", "svi_m", "svi_s"), parameters, strict=True)),
        "svi_points": curve.points if curve else 0,
        "svi_rmse": curve and curve.rmse,
        "svi_worst": curve and curve.worst,
        "svi_butterfly": surface.butterfly[index] if surface else None,
        "svi_calendar": surface.calendar[index] if surface else None,
    }


def _flags(fields: dict[str, Any], expiry: Expiry, step: Step) -> Iterator[str]:
    """Reasons of what is None, then what is wrong with what is not."""
    yield from (reason for field, reason in _REASONS.items() if fields[field] is None)
    if len(expiry.strikes) == 1:
        yield "degenerate"
    if step.calendar or (fields["svi_calendar"] or 0) < 0:
        yield "calendar"
    if (fields["svi_butterfly"] or 0) < 0:
        yield "butterfly"
