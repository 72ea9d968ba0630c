"""Records of topics `options.chain`, one for each expiry, and `underlying_ticks`, one for the whole chain."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from market.options.chain_view import Expiry
from market.options.exposure import naive_sign, zero_gamma_level
from market.options.positioning import from_fixed_point, max_pain, put_call_ratio, wall
from market.options.priced_chain import PricedChain
from market.options.records import ChainRecord, UnderlyingTick
from market.options.smile import Skew, Straddle, atm_strike, atm_vol, skew, straddle
from market.options.surface import Surface
from market.options.term_structure import ForwardVol, forward_vols

# Flag of each field that is None, in the order of the flags in a record.
_NULL_FLAGS = {
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


def chain_records(venue: str, priced: PricedChain, surface: Surface | None = None) -> list[ChainRecord]:
    """One record for each expiry, the nearest first. Without a surface the fields of the fit are None."""
    atm_vols = [None if smile is None else atm_vol(smile) for smile in priced.smiles]
    term_structure = forward_vols(priced.years, atm_vols)
    records = []
    for index, expiry in enumerate(priced.view.layout.expiries):
        fields = {
            **_identity(venue, priced, index),
            **_positioning(priced, expiry, priced.terms.forwards[index].price),
            **_volatility(priced, index, atm_vols[index], term_structure[index]),
            **_exposure(priced, index),
            **_fit(surface, index),
            **_trust(priced, index),
        }
        records.append(ChainRecord(**fields, flags=list(_flags(fields, expiry, term_structure[index]))))
    return records


def underlying_tick(venue: str, priced: PricedChain) -> UnderlyingTick:
    """Record of the whole chain. Put-call ratios are ratios of sums over all expiries, not means of ratios."""
    view, layout = priced.view, priced.view.layout
    calls, puts = np.flatnonzero(layout.is_call[:-1]), np.flatnonzero(~layout.is_call[:-1])
    open_interest, volume = priced.open_interest_fixed, priced.volume_fixed
    index = None if math.isnan(view.index_price) else view.index_price
    return UnderlyingTick(
        venue=venue,
        underlying=view.underlying,
        event_time=view.time,
        index_price=index,
        options=len(layout.instruments),
        expiries=len(layout.expiries),
        call_open_interest=from_fixed_point(open_interest[calls].sum()),
        put_open_interest=from_fixed_point(open_interest[puts].sum()),
        pcr_open_interest=put_call_ratio(open_interest[puts], open_interest[calls]),
        pcr_volume=put_call_ratio(volume[puts], volume[calls]),
        gamma_gross=float(priced.gamma_usd.sum()),
        gamma_naive=float((naive_sign(layout.is_call) * priced.gamma_usd).sum()),
        zero_gamma=zero_gamma_level(priced.naive_profile.sum(axis=0), index) if index is not None else None,
        flags=list(_trust_flags(sum(view.ages.stale_count), sum(view.refused.values()))),
    )


def _identity(venue: str, priced: PricedChain, index: int) -> dict[str, Any]:
    view, expiry, forward = priced.view, priced.view.layout.expiries[index], priced.terms.forwards[index]
    return {
        "venue": venue,
        "underlying": view.underlying,
        "expiry": expiry.time,
        "event_time": view.time,
        "linear": expiry.linear,
        "strikes": len(expiry.strikes),
        "options": expiry.rows.stop - expiry.rows.start,
        "years": priced.years[index],
        "forward": forward.price,
        "forward_source": forward.source,
        "index_price": None if math.isnan(view.index_price) else view.index_price,
    }


def _positioning(priced: PricedChain, expiry: Expiry, forward: float | None) -> dict[str, Any]:
    calls, puts = priced.open_interest_fixed[expiry.calls], priced.open_interest_fixed[expiry.puts]
    call_volume, put_volume = priced.volume_fixed[expiry.calls], priced.volume_fixed[expiry.puts]
    premium = priced.open_interest_value
    pain = max_pain(expiry.strikes, calls, puts, forward)
    return {
        "call_open_interest": from_fixed_point(calls.sum()),
        "put_open_interest": from_fixed_point(puts.sum()),
        "pcr_open_interest": put_call_ratio(puts, calls),
        "call_volume": from_fixed_point(call_volume.sum()),
        "put_volume": from_fixed_point(put_volume.sum()),
        "pcr_volume": put_call_ratio(put_volume, call_volume),
        "max_pain": pain and pain.strike,
        "max_pain_low": pain and pain.low,
        "max_pain_high": pain and pain.high,
        "pain": pain and pain.payout,
        "max_pain_coin": pain and pain.coin_strike,
        "call_wall": wall(expiry.strikes, calls, forward),
        "put_wall": wall(expiry.strikes, puts, forward),
        "call_premium": float(premium[expiry.calls].sum()),
        "put_premium": float(premium[expiry.puts].sum()),
    }


def _volatility(priced: PricedChain, index: int, atm: float | None, forward_vol: ForwardVol) -> dict[str, Any]:
    expiry, smile = priced.view.layout.expiries[index], priced.smiles[index]
    measures = Skew(None, None, None) if smile is None else skew(smile)
    strike, atm_straddle = _straddle(priced, index)
    return {
        "atm_strike": strike,
        "straddle": atm_straddle and atm_straddle.price,
        "straddle_coin": None if expiry.linear else atm_straddle and atm_straddle.forward_share,
        "straddle_source": atm_straddle and atm_straddle.source,
        "implied_move": atm_straddle and atm_straddle.forward_share,
        "atm_iv": atm,
        "risk_reversal_25": measures.risk_reversal,
        "butterfly_25": measures.butterfly,
        "skew_slope": measures.slope,
        "forward_variance": forward_vol.variance,
        "forward_vol": forward_vol.vol,
    }


def _straddle(priced: PricedChain, index: int) -> tuple[float | None, Straddle | None]:
    """At-the-money strike of an expiry and its straddle."""
    expiry, forward, quotes = priced.view.layout.expiries[index], priced.terms.forwards[index].price, priced.view.quotes
    if forward is None:
        return None, None
    strike = atm_strike(expiry.strikes, forward)
    place = int(np.searchsorted(expiry.strikes, strike))
    legs = np.array([expiry.calls[place], expiry.puts[place]])
    bid, ask = quotes.bid[legs], quotes.ask[legs]
    mids = np.where((bid < ask) & ~priced.view.ages.stale[legs], (bid + ask) / 2, np.nan)
    return strike, straddle(mids, priced.fresh_mark[legs], 1.0 if expiry.linear else forward, forward)


def _exposure(priced: PricedChain, index: int) -> dict[str, Any]:
    rows, forward = priced.view.layout.expiries[index].rows, priced.terms.forwards[index].price
    gross = priced.gamma_usd[rows]
    return {
        "gamma_gross": float(gross.sum()),
        "gamma_naive": float((naive_sign(priced.view.layout.is_call[rows]) * gross).sum()),
        "zero_gamma": None if forward is None else zero_gamma_level(priced.naive_profile[index], forward),
    }


def _fit(surface: Surface | None, index: int) -> dict[str, Any]:
    fit = surface.fits[index] if surface else None
    parameters = fit.svi if fit else [None] * 5
    return {
        **dict(zip(("svi_a", "svi_b", "svi_rho", "svi_m", "svi_s"), parameters, strict=True)),
        "svi_points": fit.points if fit else 0,
        "svi_rmse": fit and fit.rmse,
        "svi_worst": fit and fit.max_error,
        "svi_butterfly": surface.butterfly[index] if surface else None,
        "svi_calendar": surface.calendar[index] if surface else None,
    }


def _trust(priced: PricedChain, index: int) -> dict[str, Any]:
    """Age of the expiry's newest quote, number of its stale quotes, of its options whose newest row was refused."""
    view = priced.view
    return {
        "quote_age_ms": view.ages.expiry_age[index],
        "stale_options": view.ages.stale_count[index],
        "refused_options": view.refused.get(view.layout.expiries[index].time, 0),
    }


def _trust_flags(stale: int, refused: int) -> Iterator[str]:
    if stale:
        yield "stale_quotes"
    if refused:
        yield "refused_rows"


def _flags(fields: dict[str, Any], expiry: Expiry, forward_vol: ForwardVol) -> Iterator[str]:
    """Reasons of fields that are None, then problems of fields that are not."""
    yield from (flag for field, flag in _NULL_FLAGS.items() if fields[field] is None)
    if len(expiry.strikes) == 1:
        yield "degenerate"
    if forward_vol.calendar or (fields["svi_calendar"] or 0) < 0:
        yield "calendar"
    if (fields["svi_butterfly"] or 0) < 0:
        yield "butterfly"
    yield from _trust_flags(fields["stale_options"], fields["refused_options"])
