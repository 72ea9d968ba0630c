"""Cost of an option chain in the domain: a whole chain of about 900 options, and single implied volatilities.

The chain is the recorded summary if the recorded frames are present, otherwise a generated one of the same size. The
fastest of several passes is reported, because slower ones measure other load on the machine. The volatility solvers run
on the same options; the scalar ones run once, in parts, of which the fastest is reported.
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

from bench.chains import NOW, OptionColumns, generated_quotes, random_options, recorded_quotes, ticker_envelopes
from market.options.builder import ChainBuilder
from market.options.chain import Chain
from market.options.chain_batch import ChainConfig
from market.options.chain_records import chain_records, underlying_tick
from market.options.events import OptionQuote
from market.options.implied_vol import implied_vol
from market.options.priced_chain import price_chain
from market.options.surface import build_surface
from market.options.svi_fit import fit_smiles
from venues.deribit import OPTION_FEED

Row: TypeAlias = tuple[float, float, float, float, bool, float]

OPTIONS = 100_000
PARTS = 20
PASSES = 20
TICKERS = 20_000
_MEASUREMENTS = {
    "chain_ms": ("every metric of every expiry, from mark volatility", 5.0),
    "iv_ms": ("volatility of all bids and asks", 15.0),
    "fit_ms": ("SVI fits of all expiries", 50.0),
    "surface_ms": ("bid, ask and mark volatility, fits, arbitrage checks", 50.0),
    "second_ms": ("one second: all of these, as encoded records", None),
    "domain_tickers_per_s": ("tickers through the domain; five seconds close", None),
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
    """Milliseconds per computation on one chain whose quotes are applied."""
    chain = Chain("BTC", OPTION_FEED)
    for quote in quotes:
        chain.apply(quote)
    priced = price_chain(chain.view(NOW))
    known = ((smile, t) for smile, t in zip(priced.smiles, priced.years, strict=True) if smile is not None)
    smiles, years = zip(*known, strict=True)

    def metrics() -> None:
        fresh = price_chain(chain.view(NOW))
        chain_records("deribit", fresh)
        underlying_tick("deribit", fresh)

    costs = {
        "chain_ms": best(metrics),
        "iv_ms": best(lambda: priced.solve("bid", "ask")),
        "fit_ms": best(lambda: fit_smiles(smiles, years)),
        "surface_ms": best(lambda: build_surface(price_chain(chain.view(NOW)))),
    }
    return {name: round(1000 * seconds, 2) for name, seconds in costs.items()}


def builder_costs(quotes: list[OptionQuote]) -> dict[str, float]:
    """Milliseconds to emit one second of the chain, and tickers per second from envelopes to encoded records."""
    values = list(ticker_envelopes(quotes, TICKERS))

    def apply(values: list[bytes]) -> ChainBuilder:
        builder = ChainBuilder("deribit", "BTC", ChainConfig(), OPTION_FEED)
        builder.apply_all(values)
        return builder

    builders = iter([apply(values[: len(quotes)]) for _ in range(PASSES)])
    seconds = best(lambda: next(builders).flush())
    return {
        "second_ms": round(1000 * seconds, 2),
        "domain_tickers_per_s": round(TICKERS / best(lambda: apply(values), passes=3)),
    }


def solver_rates(options: OptionColumns) -> dict[str, float]:
    """Options per second of each of the three solvers."""
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
    for option_price, forward, strike, years, is_call, _ in rows:
        vollib_vol(option_price, forward, strike, 0.0, years, "c" if is_call else "p")


def _quantlib(rows: list[Row]) -> None:
    for option_price, forward, strike, years, is_call, vol in rows:
        kind = ql.Option.Call if is_call else ql.Option.Put
        ql.blackFormulaImpliedStdDev(kind, strike, forward, option_price, 1.0, 0.0, 1.01 * vol * sqrt(years), 1e-12)


def report(frames: Path, through_job: bool = False) -> None:
    """Measure, print a table, and print one JSON object as the last line."""
    recorded = recorded_quotes(frames)
    quotes = recorded or list(generated_quotes())
    measured = chain_costs(quotes) | builder_costs(quotes) | solver_rates(random_options(OPTIONS))
    if through_job:
        from bench.options_job import tickers_per_s

        measured["tickers_per_s"] = round(tickers_per_s(quotes))
    source = "recorded" if recorded else "generated"
    table = Table(title=f"Options: {source} chain of {len(quotes)}, {OPTIONS:,} random options")
    for column in ("figure", "meaning", "measured", "budget"):
        table.add_column(column, justify="right" if column in ("measured", "budget") else "left")
    for name, value in measured.items():
        meaning, budget = _MEASUREMENTS[name]
        table.add_row(name, meaning, f"{value:,.10g}", "" if budget is None else f"{budget:g}")
    Console().print(table)
    print(json.dumps(measured))
