"""What an option chain costs in the domain: a whole chain of some 900 options, and single implied volatilities.

The chain is the recorded Deribit summary where `../shared/frames` is at hand, else a generated one of the same size. Of
several passes the fastest counts: the others measure the neighbours. The volatility solvers run on the same options,
the scalar ones once, in parts of which again the fastest counts.
"""

import json
from collections.abc import Callable
from functools import partial
from math import sqrt
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import QuantLib as ql
from rich.console import Console
from rich.table import Table
from vollib.black.implied_volatility import implied_volatility as vollib_vol

from bench.chains import NOW, Options, generated_quotes, random_options, recorded_quotes, ticker_envelopes
from market.options.batch import ChainConfig
from market.options.chain import Chain
from market.options.implied import implied_vol
from market.options.keeper import ChainKeeper
from market.options.model import price_chain
from market.options.summary import chain_records, underlying_tick
from market.options.surface import build_surface
from market.options.svi_fit import fit
from market.options.wire import OptionQuote

Row: TypeAlias = tuple[float, float, float, float, bool, float]

MANY = 100_000
PARTS = 20
PASSES = 20
TICKERS = 20_000
_FIGURES = {
    "chain_ms": ("every metric of every expiry, from mark volatility", 5.0),
    "iv_ms": ("volatility of all bids and asks", 15.0),
    "fit_ms": ("SVI fits of all expiries", 50.0),
    "surface_ms": ("bid, ask and mark volatility, fits, arbitrage checks", 50.0),
    "second_ms": ("one second: all of these, as encoded records", None),
    "domain_tickers_per_s": ("tickers through the domain, five seconds closing", None),
    "tickers_per_s": ("tickers through the job on the running cluster", None),
    "iv_per_s": ("implied volatilities: ours", None),
    "vollib_iv_per_s": ("implied volatilities: vollib, scalar", None),
    "quantlib_iv_per_s": ("implied volatilities: QuantLib at 1e-12", None),
    "vollib_ratio": ("ours over vollib", None),
}


def best(call: Callable[[], object], passes: int = PASSES) -> float:
    """Seconds of the fastest of several calls."""

    def once() -> float:
        start = perf_counter()
        call()
        return perf_counter() - start

    return min(once() for _ in range(passes))


def chain_costs(quotes: list[OptionQuote]) -> dict[str, float]:
    """Milliseconds for one chain, from the table of its quotes."""
    chain = Chain("BTC")
    for quote in quotes:
        chain.apply(quote)
    model = price_chain(chain.view(NOW))
    smiles, years = zip(*((s, t) for s, t in zip(model.smiles, model.years, strict=True) if s is not None), strict=True)

    def metrics() -> None:
        fresh = price_chain(chain.view(NOW))
        chain_records("deribit", fresh)
        underlying_tick("deribit", fresh)

    costs = {
        "chain_ms": best(metrics),
        "iv_ms": best(lambda: model.solve("bid", "ask")),
        "fit_ms": best(lambda: fit(smiles, years)),
        "surface_ms": best(lambda: build_surface(price_chain(chain.view(NOW)))),
    }
    return {name: round(1000 * seconds, 2) for name, seconds in costs.items()}


def keeper_costs(quotes: list[OptionQuote]) -> dict[str, float]:
    """Milliseconds of saying one second of the chain, and tickers per second, envelope to encoded records."""
    values = list(ticker_envelopes(quotes, TICKERS))

    def heard(values: list[bytes]) -> ChainKeeper:
        keeper = ChainKeeper("deribit", "BTC", ChainConfig())
        keeper.apply_all(values)
        return keeper

    keepers = iter([heard(values[: len(quotes)]) for _ in range(PASSES)])
    said = best(lambda: next(keepers).flush())
    return {
        "second_ms": round(1000 * said, 2),
        "domain_tickers_per_s": round(TICKERS / best(lambda: heard(values), passes=3)),
    }


def solver_rates(options: Options) -> dict[str, float]:
    """Options per second of the three solvers, over all of the options."""
    rows = list(zip(*(column.tolist() for column in options), strict=True))
    size = len(rows) // PARTS
    parts = [rows[first : first + size] for first in range(0, len(rows), size)]
    ours = len(rows) / best(lambda: implied_vol(*options[:5]))
    vollib, quantlib = (size / min(best(partial(solve, part), 1) for part in parts) for solve in (_vollib, _quantlib))
    return {
        "iv_per_s": round(ours),
        "vollib_iv_per_s": round(vollib),
        "quantlib_iv_per_s": round(quantlib),
        "vollib_ratio": round(ours / vollib, 1),
    }


def _vollib(rows: list[Row]) -> None:
    for paid, forward, strike, years, is_call, _ in rows:
        vollib_vol(paid, forward, strike, 0.0, years, "c" if is_call else "p")


def _quantlib(rows: list[Row]) -> None:
    for paid, forward, strike, years, is_call, vol in rows:
        kind = ql.Option.Call if is_call else ql.Option.Put
        ql.blackFormulaImpliedStdDev(kind, strike, forward, paid, 1.0, 0.0, 1.01 * vol * sqrt(years), 1e-12)


def report(frames: Path, through_job: bool = False) -> None:
    """Measure, print a table, and as the last line one JSON object."""
    recorded = recorded_quotes(frames)
    quotes = recorded or list(generated_quotes())
    figures = chain_costs(quotes) | keeper_costs(quotes) | solver_rates(random_options(MANY))
    if through_job:
        from bench.options_job import tickers_per_s

        figures["tickers_per_s"] = round(tickers_per_s(quotes))
    kind = "recorded" if recorded else "generated"
    table = Table(title=f"Options: {kind} chain of {len(quotes)}, {MANY:,} random options")
    for column in ("figure", "what", "measured", "budget"):
        table.add_column(column, justify="right" if column in ("measured", "budget") else "left")
    for name, measured in figures.items():
        what, budget = _FIGURES[name]
        table.add_row(name, what, f"{measured:,.10g}", "" if budget is None else f"{budget:g}")
    Console().print(table)
    print(json.dumps(figures))
