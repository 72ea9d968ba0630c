"""Implied volatilities by vollib and QuantLib, one option at a time; NaN where there is none."""

import math

import numpy as np
import QuantLib as ql
from vollib.black.implied_volatility import implied_volatility

from market.options.black76 import Bools, Floats
from market.options.implied_vol import ImpliedVols

_density = ql.NormalDistribution()
_integral = ql.GaussLobattoIntegral(100_000, 1e-13)


def vollib_vols(
    solved: ImpliedVols, price: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Bools
) -> Floats:
    """Volatilities by vollib of the options that have one in `solved`; vollib raises for all others."""
    rows = zip(*(column.tolist() for column in (solved.vol, price, forward, strike, years, is_call)), strict=True)
    return np.array(
        [
            vol if math.isnan(vol) else implied_volatility(option_price, f, k, 0.0, t, "c" if call else "p")
            for vol, option_price, f, k, t, call in rows
        ]
    )


def quantlib_vols(
    solved: ImpliedVols, price: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Bools
) -> Floats:
    """Volatilities by QuantLib of the options that have one in `solved`, which is the start of its Newton method."""
    columns = (solved.vol, *out_of_the_money(price, forward, strike, is_call), years)
    return np.array([_quantlib_vol(*row) for row in zip(*(column.tolist() for column in columns), strict=True)])


def out_of_the_money(price: Floats, forward: Floats, strike: Floats, is_call: Bools) -> tuple[Floats, Floats]:
    """Forward and strike of the out-of-the-money calls and puts, in units of their time value.

    QuantLib treats small differences as zero, whatever the unit.
    """
    time_value = price - np.maximum(np.where(is_call, forward - strike, strike - forward), 0)
    with np.errstate(divide="ignore", over="ignore"):
        return forward / time_value, strike / time_value


def _quantlib_vol(vol: float, forward: float, strike: float, years: float) -> float:
    """Volatility by QuantLib's solver, or by its quadrature where its normal distribution is inexact.

    From 4.5 to 6.3 deviations QuantLib's cumulative normal differs from libm's erfc by up to 1.2e-7 of its value. Its
    solver is then up to 1.3e-6 off.
    """
    if math.isnan(vol):
        return vol
    sqrt_years = math.sqrt(years)
    kind = ql.Option.Call if strike >= forward else ql.Option.Put
    s = ql.blackFormulaImpliedStdDev(kind, strike, forward, 1.0, 1.0, 0.0, 1.001 * vol * sqrt_years, 1e-14)
    x = math.log(forward / strike)
    inexact = any(4.5 < abs(x / s + side * s / 2) < 6.3 for side in (1, -1))
    return (_by_quadrature(s, x, forward) if inexact else s) / sqrt_years


def _by_quadrature(s: float, x: float, forward: float) -> float:
    """Newton's method on the integral of vega from zero to `s`, which is the price; here the price is one."""

    def vega(at: float) -> float:
        return float(forward * _density(x / at + at / 2)) if at else 0.0

    for _ in range(3):
        s += (1 - _integral(vega, 0.0, s)) / vega(s)
    return s
