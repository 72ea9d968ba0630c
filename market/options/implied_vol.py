"""Implied volatility of a whole chain at once: Black-76 inverted to machine precision, or null with a reason.

Each price is replaced by that of its out-of-the-money counterpart and normalised to beta in (0, exp(x/2)), where
x = -|ln(F/K)|. exp(x/2) is the upper bound of beta.

* Below half of the bound, (-ln b)^(-1/2) is nearly linear in s = vol * sqrt(years), however deep the wing. The
  Bachelier model gives an initial guess within 1 % (for s below 0.3), from which two fourth-order steps are exact.
* Above half of the bound, the logarithm of the distance to the bound is solved instead.

Steps are Householder's method of third order (P. Jäckel, "Let's Be Rational", Wilmott 75, 2015, §4). Only elements that
have not converged are iterated further.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtri

from market.options.black76 import Bools, Floats, scaled_call

# One unit in the last place of the price may move the volatility by this much; beyond it the result is null.
RESOLUTION = 1e-8

_BLOCK = 8192  # elements whose temporaries fit into the processor's cache
_MAX_EXTRA_STEPS = 10  # two steps are the rule and one more is the most seen; the limit only bounds the loop
_CONVERGED = 1e-4  # a fourth-order step from this near (relative) ends at machine precision
_TINY = 1e-290
_SQRT_HALF = np.sqrt(0.5)
_DENSITY_AT_ZERO = 1 / np.sqrt(2 * np.pi)
# Rational fit of h = |x| / s from z = ln(1 + _DENSITY_AT_ZERO |x| / beta) in the Bachelier model, over 1e-6 < h < 38.
# Its largest error is 0.84 %.
_GUESS_A, _GUESS_B = 0.3638127, 1.95089913


StepFunction: TypeAlias = Callable[[Floats, Floats, Floats], tuple[Floats, Bools]]


class Reason(IntEnum):
    """Reason why a volatility is null."""

    SOLVED = 0
    NO_PRICE = 1
    NO_FORWARD = 2
    EXPIRED = 3
    BELOW_INTRINSIC = 4
    ABOVE_BOUND = 5
    UNDETERMINED = 6


class ImpliedVols(NamedTuple):
    """`vol`: fractions a year, NaN where null. `reason`: the `Reason` of each. Both have the shape of the prices."""

    vol: Floats
    reason: NDArray[np.int8]


def implied_vol(price: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Bools) -> ImpliedVols:
    """Volatilities of undiscounted prices in the quote currency; one-dimensional arrays of one shape.

    A price at or below its intrinsic value gives `BELOW_INTRINSIC`; a call at the forward or a put at the strike gives
    `ABOVE_BOUND`. `UNDETERMINED`: the last digit of the price moves the result by more than `RESOLUTION`. Every
    result is within 1e-8 of the exact volatility.
    """
    vol = np.empty(price.shape)
    reason = np.empty(price.shape, np.int8)
    with np.errstate(all="ignore"):
        for start in range(0, price.size, _BLOCK):
            block = slice(start, start + _BLOCK)
            vol[block], reason[block] = _solve(
                price[block], forward[block], strike[block], years[block], is_call[block]
            )
    return ImpliedVols(vol, reason)


def _solve(price: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Bools) -> ImpliedVols:
    intrinsic = np.where(is_call, forward - strike, strike - forward)
    otm_price = np.where(intrinsic > 0, price - intrinsic, price)
    scale = np.sqrt(forward) * np.sqrt(strike)
    x = -np.maximum(np.abs(np.log(forward / strike)), _TINY)
    beta, bound = otm_price / scale, np.exp(0.5 * x)
    reason = np.select(
        [
            ~(price > 0) | (price == np.inf),
            ~((forward > 0) & (forward < np.inf) & (strike > 0) & (strike < np.inf)),
            ~((years > 0) & (years < np.inf)),
            ~(beta > _TINY),
            price >= np.where(is_call, forward, strike),
            beta >= bound,
        ],
        [Reason.NO_PRICE, Reason.NO_FORWARD, Reason.EXPIRED, Reason.BELOW_INTRINSIC, *[Reason.ABOVE_BOUND] * 2],
        Reason.SOLVED,
    ).astype(np.int8)
    s = np.full(price.shape, np.nan)
    lower = (reason == Reason.SOLVED) & (beta < 0.5 * bound)
    upper = (reason == Reason.SOLVED) & ~lower
    s[lower] = _solve_lower_half(x[lower], beta[lower])
    s[upper] = _solve_upper_half(x[upper], bound[upper] - beta[upper])
    vega = scale * np.sqrt(years) * np.exp(-0.5 * ((x / s) ** 2 + 0.25 * s * s)) * _DENSITY_AT_ZERO
    reason[(reason == Reason.SOLVED) & ~(np.spacing(price) <= RESOLUTION * vega)] = Reason.UNDETERMINED
    return ImpliedVols(np.where(reason == Reason.SOLVED, s / np.sqrt(years), np.nan), reason)


def _solve_lower_half(x: Floats, beta: Floats) -> Floats:
    """Solve b(x, s) = beta for s, where beta is below half of its bound."""
    z = np.log1p(_DENSITY_AT_ZERO * -x / beta)
    guess = -x / (z * np.sqrt((1 + _GUESS_A * z) / (1 + z * (_GUESS_B + 0.5 * _GUESS_A * z))))
    return _iterate(_lower_step, guess, x, np.log(beta))


def _solve_upper_half(x: Floats, gap: Floats) -> Floats:
    """Solve exp(x/2) - b(x, s) = gap for s, where gap is up to half of the bound; at x = 0 the guess is exact."""
    return _iterate(_upper_step, -2 * ndtri(gap / (2 * np.cosh(0.5 * x))), x, np.log(gap))


def _iterate(step: StepFunction, s: Floats, x: Floats, target: Floats) -> Floats:
    """Apply two steps to all elements, then more where they have not converged; NaN where they never do."""
    s, _ = step(s, x, target)
    s, converged = step(s, x, target)
    active = np.flatnonzero(~converged)
    for _ in range(_MAX_EXTRA_STEPS):
        if not active.size:
            break
        s[active], converged = step(s[active], x[active], target[active])
        active = active[~converged]
    s[active] = np.nan
    return s


def _lower_step(s: Floats, x: Floats, target: Floats) -> tuple[Floats, Bools]:
    """One step on (-ln b)^(-1/2); `target` is ln beta. Its derivatives follow from those of ln b by the chain rule."""
    log_factor, scaled = scaled_call(x, s)
    y, y1 = log_factor + np.log(scaled), _DENSITY_AT_ZERO / scaled
    y2, y3 = _derivative_ratios(s, x, y1)
    w = -1.5 * y1 / y
    newton = -2 * y * (np.sqrt(y / target) - 1) / y1
    return _householder(s, newton, y2 + w, y3 + w * (3 * y2 + 5 / 3 * w))


def _upper_step(s: Floats, x: Floats, target: Floats) -> tuple[Floats, Bools]:
    """One step on the logarithm of the distance of b to its bound; `target` is that logarithm of the price."""
    h, t = x / s, 0.5 * s
    scaled = 0.5 * (erfcx(_SQRT_HALF * (t + h)) + erfcx(_SQRT_HALF * (t - h)))
    y, y1 = np.log(scaled) - 0.5 * (h * h + t * t), -_DENSITY_AT_ZERO / scaled
    return _householder(s, (target - y) / y1, *_derivative_ratios(s, x, y1))


def _derivative_ratios(s: Floats, x: Floats, y1: Floats) -> tuple[Floats, Floats]:
    """Second and third derivative of y over its first, y1, for y = ln f with f' = vega or f' = -vega."""
    h = x / s
    q = h * h / s - 0.25 * s
    cubic = q * q - 3 * (h / s) ** 2 - 0.25
    return q - y1, cubic - y1 * (3 * q - 2 * y1)


def _householder(s: Floats, newton: Floats, g2: Floats, g3: Floats) -> tuple[Floats, Bools]:
    """Fourth-order step, limited to the range [s / 2, 2 s], and True where another step would change nothing."""
    move = newton * (1 + 0.5 * g2 * newton) / (1 + newton * (g2 + g3 * newton / 6))
    move = np.where(np.isfinite(move), np.clip(move, -0.5 * s, s), newton)
    return s + move, np.abs(move) <= _CONVERGED * s
