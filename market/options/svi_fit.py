"""Fits raw SVI to the smiles of all expiries of a chain at once.

w(k) = a + b * (rho * (k - m) + sqrt((k - m)² + s²)) is total variance, k = ln(K/F) (Gatheral 2004). Squared errors of
volatility are weighted by vega, else the wings of a short expiry, of no account in money, bend the curve at the money.
Every smile is scaled by its own width and height, so that one grid of starting points and one damping suit hours and
years alike; the best point of the grid, where a, b and rho follow by linear least squares (Zeliade 2009), is refined by
Levenberg-Marquardt on five free numbers that cannot leave the admissible set: b > 0, |rho| < 1, s > 0, variance > 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from market.options.black import Floats
from market.options.smile import Smile
from market.options.svi import Svi

MIN_POINTS = 5  # as many as parameters: fewer say nothing about a curve
MIN_YEARS = 4 / (365 * 24)  # below, one tick of a quote is many points of volatility

_CENTRES = np.linspace(-1.5, 1.5, 7)
_WIDTHS = np.geomspace(0.1, 3.0, 6)
_CORE = 0.05
_ROUNDS = 60
_DONE = 1e-7  # relative gain of a round below which a smile counts as fitted
_LIMIT = 30.0  # of the free numbers: exp(30) is as good as infinite


class Fit(NamedTuple):
    """A fitted smile. `rmse`: root mean square error of volatility over the `core` (5 to 95 delta; all points if it is
    empty), `worst`: the largest absolute error anywhere; fractions. `points` strikes from ln(K/F) `low` to `high`.
    """

    svi: Svi
    rmse: float
    worst: float
    points: int
    low: float
    high: float


class _Scaled(NamedTuple):
    """Smiles in units of their own, shape (smiles, most points), with vol0 the median volatility.

    `y` = k / (vol0 * sqrt(T)), `v` = (vol / vol0)²; `weight` makes a difference of v one of volatility times root vega,
    and is 0 beyond a smile's last point.
    """

    y: Floats
    v: Floats
    weight: Floats


def fit(smiles: Sequence[Smile], years: Sequence[float]) -> list[Fit | None]:
    """Fits each smile; None below `MIN_POINTS` strikes or `MIN_YEARS`."""
    chosen = [i for i, points in enumerate(smiles) if len(points.k) >= MIN_POINTS and years[i] >= MIN_YEARS]
    fits: list[Fit | None] = [None] * len(smiles)
    if not chosen:
        return fits
    centre = np.array([np.median(smiles[i].vol) for i in chosen])
    width = centre * np.sqrt([years[i] for i in chosen])
    data = _scaled([smiles[i] for i in chosen], centre, width)
    a, b, rho, m, s = _raw(_refine(_start(data), data))
    for row, i in enumerate(chosen):
        height = width[row] ** 2
        svi = Svi(a[row] * height, b[row] * width[row], rho[row], m[row] * width[row], s[row] * width[row])
        fits[i] = _measured(Svi(*map(float, svi)), smiles[i], years[i])
    return fits


def _measured(svi: Svi, points: Smile, years: float) -> Fit:
    error = np.sqrt(svi.variance(points.k) / years) - points.vol
    core = (points.call_delta > _CORE) & (points.call_delta < 1 - _CORE)
    inner = error[core] if core.any() else error
    rmse, worst = float(np.sqrt(np.mean(inner**2))), float(np.abs(error).max())
    return Fit(svi, rmse, worst, len(points.k), float(points.k[0]), float(points.k[-1]))


def _scaled(smiles: list[Smile], centre: Floats, width: Floats) -> _Scaled:
    shape = (len(smiles), max(len(points.k) for points in smiles))
    data = _Scaled(np.zeros(shape), np.ones(shape), np.zeros(shape))
    for row, points in enumerate(smiles):
        n = len(points.k)
        data.y[row, :n] = points.k / width[row]
        data.v[row, :n] = (points.vol / centre[row]) ** 2
        s = points.vol * width[row] / centre[row]
        root_vega = np.exp(-0.25 * (0.5 * s - points.k / s) ** 2)
        data.weight[row, :n] = 0.5 * centre[row] / points.vol * root_vega
    return data


def _start(data: _Scaled) -> Floats:
    """Free numbers of the best grid point of each smile, shape (smiles, 5)."""
    m, s = (grid.reshape(-1, 1, 1) for grid in np.meshgrid(_CENTRES, _WIDTHS))
    y = data.y - m
    basis = np.stack((np.ones_like(y), y, np.sqrt(y * y + s * s)), axis=-1) * data.weight[..., None]
    target = data.v * data.weight
    normal = np.swapaxes(basis, -1, -2) @ basis + 1e-9 * np.eye(3)
    linear = np.linalg.solve(normal, np.swapaxes(basis, -1, -2) @ target[..., None])[..., 0]
    b = np.maximum(linear[..., 2], 1e-3)
    slope = np.clip(linear[..., 1], -0.98 * b, 0.98 * b)
    rest = target - basis[..., 1] * slope[..., None] - basis[..., 2] * b[..., None]
    a = (rest * basis[..., 0]).sum(-1) / (basis[..., 0] ** 2).sum(-1)
    best = np.argmin(((rest - basis[..., 0] * a[..., None]) ** 2).sum(-1), axis=0)
    a, b, slope = (each[best, np.arange(len(best))] for each in (a, b, slope))
    m, s, rho = m[best, 0, 0], s[best, 0, 0], slope / b
    lowest = np.maximum(a + b * s * np.sqrt(1 - rho * rho), 1e-3)
    return np.stack((np.log(lowest), np.log(b), np.arctanh(rho), m, np.log(s)), axis=1)


def _raw(free: Floats) -> tuple[Floats, ...]:
    """(a, b, rho, m, s), each of shape (smiles,), from the free numbers."""
    lowest, b, rho, m, s = np.exp(free[:, 0]), np.exp(free[:, 1]), np.tanh(free[:, 2]), free[:, 3], np.exp(free[:, 4])
    return lowest - b * s * np.sqrt(1 - rho * rho), b, rho, m, s


def _refine(free: Floats, data: _Scaled) -> Floats:
    """Levenberg-Marquardt on all smiles at once, each with its own damping."""
    damping = np.full(len(free), 1e-3)
    error, slopes = _residuals(free, data)
    cost = (error * error).sum(1)
    for _ in range(_ROUNDS):
        transposed = np.swapaxes(slopes, 1, 2)
        normal = transposed @ slopes
        diagonal = np.einsum("eii->ei", normal)
        damped = normal + np.eye(5) * (damping[:, None] * diagonal + 1e-12)[:, None, :]
        move = np.linalg.solve(damped, transposed @ error[..., None])[..., 0]
        trial = np.clip(free - np.clip(move, -2, 2), -_LIMIT, _LIMIT)
        trial_error, trial_slopes = _residuals(trial, data)
        trial_cost = (trial_error * trial_error).sum(1)
        better = trial_cost < cost
        done = np.abs(cost - trial_cost) <= _DONE * cost
        free = np.where(better[:, None], trial, free)
        error = np.where(better[:, None], trial_error, error)
        slopes = np.where(better[:, None, None], trial_slopes, slopes)
        cost = np.where(better, trial_cost, cost)
        damping = np.clip(np.where(better, damping / 4, damping * 5), 1e-9, 1e9)
        if done.all():
            break
    return free


def _residuals(free: Floats, data: _Scaled) -> tuple[Floats, Floats]:
    """Weighted errors, shape (smiles, points), and their derivatives by the free numbers, (smiles, points, 5)."""
    lowest, b, s = (np.exp(free[:, i, None]) for i in (0, 1, 4))
    rho = np.tanh(free[:, 2, None])
    flat = np.sqrt(1 - rho * rho)
    y = data.y - free[:, 3, None]
    root = np.sqrt(y * y + s * s)
    shape = rho * y + root - s * flat
    slopes = np.stack(
        (
            np.broadcast_to(lowest, y.shape),
            b * shape,
            b * flat * (y * flat + s * rho),
            -b * (rho + y / root),
            b * s * (s / root - flat),
        ),
        axis=-1,
    )
    return (lowest + b * shape - data.v) * data.weight, slopes * data.weight[..., None]
