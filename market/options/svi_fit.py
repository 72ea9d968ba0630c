"""Fit of raw SVI to the smiles of all expiries of a chain at once.

Errors of volatility are weighted by the square root of vega. Without weights, the wings of a short expiry distort the
curve at the money, although their options have little value. Every smile is scaled by its own width and height, so that
one grid of initial points and one initial damping suit hours and years alike. On the grid of (m, s), the parameters a,
b and rho follow by linear least squares (Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model", 2009).
The best grid point is refined by Levenberg-Marquardt on five unconstrained parameters, which map to the admissible set
b > 0, |rho| < 1, s > 0, variance > 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from market.options.black76 import Floats
from market.options.smile import Smile
from market.options.svi import Svi

MIN_POINTS = 5  # the number of parameters: fewer points do not determine a curve
MIN_YEARS = 4 / (365 * 24)  # below four hours one tick of a quote is many points of volatility

_GRID_M = np.linspace(-1.5, 1.5, 7)
_GRID_S = np.geomspace(0.1, 3.0, 6)
_CORE_DELTA = 0.05
_MAX_ITERATIONS = 60
_TOLERANCE = 1e-7  # relative change of the cost below which a smile counts as fitted
_PARAMETER_LIMIT = 30.0  # bound of the unconstrained parameters: exp(30) acts as infinity


class SviFit(NamedTuple):
    """Fitted curve of one smile with its errors of volatility, as fractions.

    `rmse`: root mean square error over the points from 5 to 95 delta, or over all points if there are none.
    `max_error`: largest absolute error of any point. `points`: number of strikes, from ln(K/F) `low` to `high`.
    """

    svi: Svi
    rmse: float
    max_error: float
    points: int
    low: float
    high: float


class _ScaledSmiles(NamedTuple):
    """Smiles in units of their own, shape (smiles, most points); vol0 is the median volatility of a smile.

    `y` = k / (vol0 * sqrt(T)), `v` = (vol / vol0)². `weight` converts a difference of v to one of volatility times the
    square root of vega; 0 beyond a smile's last point.
    """

    y: Floats
    v: Floats
    weight: Floats


def fit_smiles(smiles: Sequence[Smile], years: Sequence[float]) -> list[SviFit | None]:
    """Fit each smile; None below `MIN_POINTS` strikes or `MIN_YEARS`."""
    chosen = [i for i, smile in enumerate(smiles) if len(smile.k) >= MIN_POINTS and years[i] >= MIN_YEARS]
    fits: list[SviFit | None] = [None] * len(smiles)
    if not chosen:
        return fits
    median_vol = np.array([np.median(smiles[i].vol) for i in chosen])
    width = median_vol * np.sqrt([years[i] for i in chosen])
    data = _scale([smiles[i] for i in chosen], median_vol, width)
    a, b, rho, m, s = _to_svi(_levenberg_marquardt(_initial_guess(data), data))
    for row, i in enumerate(chosen):
        height = width[row] ** 2
        svi = Svi(a[row] * height, b[row] * width[row], rho[row], m[row] * width[row], s[row] * width[row])
        fits[i] = _with_errors(Svi(*map(float, svi)), smiles[i], years[i])
    return fits


def _with_errors(svi: Svi, smile: Smile, years: float) -> SviFit:
    error = np.sqrt(svi.total_variance(smile.k) / years) - smile.vol
    core = (smile.call_delta > _CORE_DELTA) & (smile.call_delta < 1 - _CORE_DELTA)
    core_error = error[core] if core.any() else error
    rmse, max_error = float(np.sqrt(np.mean(core_error**2))), float(np.abs(error).max())
    return SviFit(svi, rmse, max_error, len(smile.k), float(smile.k[0]), float(smile.k[-1]))


def _scale(smiles: list[Smile], median_vol: Floats, width: Floats) -> _ScaledSmiles:
    shape = (len(smiles), max(len(smile.k) for smile in smiles))
    data = _ScaledSmiles(np.zeros(shape), np.ones(shape), np.zeros(shape))
    for row, smile in enumerate(smiles):
        n = len(smile.k)
        data.y[row, :n] = smile.k / width[row]
        data.v[row, :n] = (smile.vol / median_vol[row]) ** 2
        s = smile.vol * width[row] / median_vol[row]
        root_vega = np.exp(-0.25 * (0.5 * s - smile.k / s) ** 2)
        data.weight[row, :n] = 0.5 * median_vol[row] / smile.vol * root_vega
    return data


def _initial_guess(data: _ScaledSmiles) -> Floats:
    """Unconstrained parameters of the best grid point of each smile, shape (smiles, 5)."""
    m, s = (grid.reshape(-1, 1, 1) for grid in np.meshgrid(_GRID_M, _GRID_S))
    y = data.y - m
    basis = np.stack((np.ones_like(y), y, np.sqrt(y * y + s * s)), axis=-1) * data.weight[..., None]
    target = data.v * data.weight
    normal = np.swapaxes(basis, -1, -2) @ basis + 1e-9 * np.eye(3)
    linear = np.linalg.solve(normal, np.swapaxes(basis, -1, -2) @ target[..., None])[..., 0]
    b = np.maximum(linear[..., 2], 1e-3)
    slope = np.clip(linear[..., 1], -0.98 * b, 0.98 * b)
    remainder = target - basis[..., 1] * slope[..., None] - basis[..., 2] * b[..., None]
    a = (remainder * basis[..., 0]).sum(-1) / (basis[..., 0] ** 2).sum(-1)
    best = np.argmin(((remainder - basis[..., 0] * a[..., None]) ** 2).sum(-1), axis=0)
    a, b, slope = (values[best, np.arange(len(best))] for values in (a, b, slope))
    m, s, rho = m[best, 0, 0], s[best, 0, 0], slope / b
    min_variance = np.maximum(a + b * s * np.sqrt(1 - rho * rho), 1e-3)
    return np.stack((np.log(min_variance), np.log(b), np.arctanh(rho), m, np.log(s)), axis=1)


def _to_svi(free: Floats) -> tuple[Floats, ...]:
    """(a, b, rho, m, s), each of shape (smiles,), from unconstrained parameters, shape (smiles, 5).

    The unconstrained parameters are ln of the least total variance, ln b, atanh rho, m and ln s.
    """
    min_variance, b, rho = np.exp(free[:, 0]), np.exp(free[:, 1]), np.tanh(free[:, 2])
    m, s = free[:, 3], np.exp(free[:, 4])
    return min_variance - b * s * np.sqrt(1 - rho * rho), b, rho, m, s


def _levenberg_marquardt(free: Floats, data: _ScaledSmiles) -> Floats:
    """Minimise the weighted squared errors of all smiles at once, each with its own damping."""
    damping = np.full(len(free), 1e-3)
    residuals, jacobian = _residuals(free, data)
    cost = (residuals * residuals).sum(1)
    for _ in range(_MAX_ITERATIONS):
        transposed = np.swapaxes(jacobian, 1, 2)
        normal = transposed @ jacobian
        diagonal = np.einsum("eii->ei", normal)
        damped = normal + np.eye(5) * (damping[:, None] * diagonal + 1e-12)[:, None, :]
        step = np.linalg.solve(damped, transposed @ residuals[..., None])[..., 0]
        trial = np.clip(free - np.clip(step, -2, 2), -_PARAMETER_LIMIT, _PARAMETER_LIMIT)
        trial_residuals, trial_jacobian = _residuals(trial, data)
        trial_cost = (trial_residuals * trial_residuals).sum(1)
        better = trial_cost < cost
        done = np.abs(cost - trial_cost) <= _TOLERANCE * cost
        free = np.where(better[:, None], trial, free)
        residuals = np.where(better[:, None], trial_residuals, residuals)
        jacobian = np.where(better[:, None, None], trial_jacobian, jacobian)
        cost = np.where(better, trial_cost, cost)
        damping = np.clip(np.where(better, damping / 4, damping * 5), 1e-9, 1e9)
        if done.all():
            break
    return free


def _residuals(free: Floats, data: _ScaledSmiles) -> tuple[Floats, Floats]:
    """Weighted errors, shape (smiles, points), and their Jacobian by the parameters, shape (smiles, points, 5)."""
    min_variance, b, s = (np.exp(free[:, i, None]) for i in (0, 1, 4))
    rho = np.tanh(free[:, 2, None])
    sech = np.sqrt(1 - rho * rho)
    y = data.y - free[:, 3, None]
    root = np.sqrt(y * y + s * s)
    shape = rho * y + root - s * sech
    jacobian = np.stack(
        (
            np.broadcast_to(min_variance, y.shape),
            b * shape,
            b * sech * (y * sech + s * rho),
            -b * (rho + y / root),
            b * s * (s / root - sech),
        ),
        axis=-1,
    )
    return (min_variance + b * shape - data.v) * data.weight, jacobian * data.weight[..., None]
