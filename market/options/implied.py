"""Implied volatility of a whole chain at once: Black-76 inverted to machine precision, or null with a reason.

The price is turned into that of its out-of-the-money twin and normalised to beta in (0, exp(x/2)), x = -|ln(F/K)|. Then

* below half of the bound, (-ln b)^(-1/2) is nearly linear in s = vol * sqrt(years) however deep the wing, and the
  Bachelier model gives a guess within 1 % (for s below 0.3), so two fourth-order steps are exact;
* above it, the logarithm of the distance to the bound takes its place.

Steps are Householder's third (P. Jäckel, "Let's Be Rational", 2015, §4). Elements that are not there yet go on alone.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtri

from market.options.black import Floats, scaled_call

# One unit in the last place of the price moves the volatility by no more than this, or there is no answer.
RESOLUTION = 1e-8

_BLOCK = 8192  # elements whose temporaries stay in the cache
_MORE_STEPS = 10  # two steps are the rule, one more the most seen: the rest only bounds the loop
_SETTLED = 1e-4  # a fourth-order step that starts this near (relative) ends at machine precision
_TINY = 1e-290
_ROOT_HALF = np.sqrt(0.5)
_PEAK = 1 / np.sqrt(2 * np.pi)
# h = |x| / s from z = ln(1 + _PEAK |x| / beta) in the Bachelier model: fitted over 1e-6 < h < 38, 0.84 % at worst.
_BEND, _DAMP = 0.3638127, 1.95089913


Step: TypeAlias = Callable[[Floats, Floats, Floats], tuple[Floats, NDArray[np.bool_]]]


class Reason(IntEnum):
    """Why a volatility is null."""

    SOLVED = 0
    NO_PRICE = 1
    NO_FORWARD = 2
    EXPIRED = 3
    BELOW_INTRINSIC = 4
    ABOVE_BOUND = 5
    UNDETERMINED = 6


class Implied(NamedTuple):
    """`vol`: fractions a year, NaN where null. `reason`: the `Reason` of each. Both have the shape of the prices."""

    vol: Floats
    reason: NDArray[np.int8]


def implied_vol(price: Floats, forward: Floats, strike: Floats, years: Floats, is_call: NDArray[np.bool_]) -> Implied:
    """Volatilities of undiscounted prices in the quote currency; arrays of one shape, of one dimension.

    A price at its intrinsic value has no time value and reads `BELOW_INTRINSIC`; a call at the forward or a put at the
    strike reads `ABOVE_BOUND`. `UNDETERMINED`: the last digit of the price moves the answer by more than `RESOLUTION`.
    Where there is an answer it is within 1e-8 of the exact one.
    """
    vol = np.empty(price.shape)
    reason = np.empty(price.shape, np.int8)
    with np.errstate(all="ignore"):
        for start in range(0, price.size, _BLOCK):
            part = slice(start, start + _BLOCK)
            vol[part], reason[part] = _solve(price[part], forward[part], strike[part], years[part], is_call[part])
    return Implied(vol, reason)


def _solve(price: Floats, forward: Floats, strike: Floats, years: Floats, is_call: NDArray[np.bool_]) -> Implied:
    intrinsic = np.where(is_call, forward - strike, strike - forward)
    twin = np.where(intrinsic > 0, price - intrinsic, price)
    scale = np.sqrt(forward) * np.sqrt(strike)
    x = -np.maximum(np.abs(np.log(forward / strike)), _TINY)
    beta, bound = twin / scale, np.exp(0.5 * x)
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
    low = (reason == Reason.SOLVED) & (beta < 0.5 * bound)
    high = (reason == Reason.SOLVED) & ~low
    s[low] = _below(x[low], beta[low])
    s[high] = _above(x[high], bound[high] - beta[high])
    vega = scale * np.sqrt(years) * np.exp(-0.5 * ((x / s) ** 2 + 0.25 * s * s)) * _PEAK
    reason[(reason == Reason.SOLVED) & ~(np.spacing(price) <= RESOLUTION * vega)] = Reason.UNDETERMINED
    return Implied(np.where(reason == Reason.SOLVED, s / np.sqrt(years), np.nan), reason)


def _below(x: Floats, beta: Floats) -> Floats:
    """s with b(x, s) = beta, for beta below half of its bound."""
    z = np.log1p(_PEAK * -x / beta)
    guess = -x / (z * np.sqrt((1 + _BEND * z) / (1 + z * (_DAMP + 0.5 * _BEND * z))))
    return _iterate(_step_below, guess, x, np.log(beta))


def _above(x: Floats, gap: Floats) -> Floats:
    """s with exp(x/2) - b(x, s) = gap, for gap up to half of the bound; at h = 0 the guess is exact."""
    return _iterate(_step_above, -2 * ndtri(gap / (2 * np.cosh(0.5 * x))), x, np.log(gap))


def _iterate(step: Step, s: Floats, x: Floats, target: Floats) -> Floats:
    """Steps all elements twice, then those that have not settled, until they have; NaN for what never does."""
    s, _ = step(s, x, target)
    s, settled = step(s, x, target)
    active = np.flatnonzero(~settled)
    for _ in range(_MORE_STEPS):
        if not active.size:
            break
        s[active], settled = step(s[active], x[active], target[active])
        active = active[~settled]
    s[active] = np.nan
    return s


def _step_below(s: Floats, x: Floats, target: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """A step on (-ln b)^(-1/2); `target` is ln beta. The derivatives are those of ln b through the chain rule."""
    exponent, rest = scaled_call(x, s)
    y, y1 = exponent + np.log(rest), _PEAK / rest
    y2, y3 = _curvatures(s, x, y1)
    w = -1.5 * y1 / y
    newton = -2 * y * (np.sqrt(y / target) - 1) / y1
    return _householder(s, newton, y2 + w, y3 + w * (3 * y2 + 5 / 3 * w))


def _step_above(s: Floats, x: Floats, target: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """A step on the logarithm of the distance of b to its bound; `target` is the logarithm of the price's distance."""
    h, t = x / s, 0.5 * s
    rest = 0.5 * (erfcx(_ROOT_HALF * (t + h)) + erfcx(_ROOT_HALF * (t - h)))
    y, y1 = np.log(rest) - 0.5 * (h * h + t * t), -_PEAK / rest
    return _householder(s, (target - y) / y1, *_curvatures(s, x, y1))


def _curvatures(s: Floats, x: Floats, y1: Floats) -> tuple[Floats, Floats]:
    """Second and third derivative over the first, of the logarithm of a function whose own first one is +-vega."""
    h = x / s
    q = h * h / s - 0.25 * s
    cube = q * q - 3 * (h / s) ** 2 - 0.25
    return q - y1, cube - y1 * (3 * q - 2 * y1)


def _householder(s: Floats, newton: Floats, g2: Floats, g3: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The fourth-order step, kept between half and twice of `s`, and whether the next would change nothing."""
    move = newton * (1 + 0.5 * g2 * newton) / (1 + newton * (g2 + g3 * newton / 6))
    move = np.where(np.isfinite(move), np.clip(move, -0.5 * s, s), newton)
    return s + move, np.abs(move) <= _SETTLED * s
