"""The fit recovers known curves, and the margins detect known arbitrage."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from market.options.black76 import d1
from market.options.forwards import MS_PER_YEAR
from market.options.smile import Smile, build_smile
from market.options.svi import Svi, butterfly_margin, calendar_margin
from market.options.svi_fit import MIN_YEARS, fit_smiles

CURVE = Svi(a=0.01, b=0.12, rho=-0.35, m=0.02, s=0.2)
# Example of Axel Vogt in Gatheral and Jacquier 2014, §5, with butterfly arbitrage near k = 0.8.
VOGT = Svi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, s=0.4153)


def smile_of(curve: Svi, years: float, n: int = 25, noise: float = 0.0) -> Smile:
    k = np.linspace(-0.6, 0.6, n)
    vols = np.sqrt(curve.total_variance(k) / years) + noise * np.random.default_rng(3).standard_normal(n)
    return build_smile(np.exp(k), vols, vols, 1.0, years)


@pytest.mark.parametrize("years", [0.05, 0.25, 2.0])
def test_a_known_curve_is_recovered(years):
    (found,) = fit_smiles([smile_of(CURVE, years)], [years])
    assert found.max_error < 1e-4
    assert found.points == 25
    assert found.svi.total_variance(np.array([-0.3, 0.0, 0.3])) == pytest.approx(
        CURVE.total_variance(np.array([-0.3, 0.0, 0.3])), rel=1e-3
    )


def test_noise_is_smoothed_and_reported():
    (found,) = fit_smiles([smile_of(CURVE, 0.25, noise=0.004)], [0.25])
    assert 0.002 < found.rmse < 0.006


def test_a_joint_fit_equals_the_fit_of_each_smile():
    smiles, years = [smile_of(CURVE, 0.25), smile_of(VOGT, 1.0), smile_of(CURVE, 0.5, n=7)], [0.25, 1.0, 0.5]
    together = fit_smiles(smiles, years)
    for smile, time, found in zip(smiles, years, together, strict=True):
        (alone,) = fit_smiles([smile], [time])
        assert found.rmse == pytest.approx(alone.rmse, abs=1e-5)


def test_smiles_with_too_few_points_or_too_little_time_are_not_fitted():
    assert fit_smiles([smile_of(CURVE, 0.25, n=4)], [0.25]) == [None]
    assert fit_smiles([smile_of(CURVE, MIN_YEARS / 2)], [MIN_YEARS / 2]) == [None]
    assert fit_smiles([], []) == []


def test_a_flat_smile_is_fitted_flat():
    vols = np.full(9, 0.5)
    (found,) = fit_smiles([build_smile(np.linspace(0.7, 1.4, 9), vols, vols, 1.0, 0.25)], [0.25])
    assert found.max_error < 2e-3


@pytest.mark.parametrize("extreme", [1e-3, 9.9])
def test_extreme_smiles_give_finite_parameters(extreme):
    vols = np.array([0.5, extreme, 0.5, extreme, 0.5, extreme])
    (found,) = fit_smiles([build_smile(np.linspace(0.7, 1.4, 6), vols, vols, 1.0, 0.25)], [0.25])
    assert np.isfinite([*found.svi, found.rmse, found.max_error]).all()
    assert found.svi.b > 0
    assert abs(found.svi.rho) <= 1


def test_known_butterfly_arbitrage_has_a_negative_margin():
    assert butterfly_margin(VOGT, -1.5, 1.5) < 0
    assert butterfly_margin(CURVE, -1.5, 1.5) > 0


def test_the_density_factor_equals_its_numerical_derivatives():
    k, h = np.linspace(-0.5, 0.5, 7), 1e-4
    w, up, down = (CURVE.total_variance(k + shift) for shift in (0, h, -h))
    slope, curvature = (up - down) / (2 * h), (up - 2 * w + down) / h**2
    expected = (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 0.25) + curvature / 2
    assert CURVE.density_factor(k) == pytest.approx(expected, rel=1e-5)


def test_the_calendar_margin_is_negative_when_the_later_expiry_has_less_variance():
    later = CURVE._replace(a=CURVE.a + 0.02)
    assert calendar_margin(CURVE, later, -0.5, 0.5) == pytest.approx(0.02)
    assert calendar_margin(later, CURVE, -0.5, 0.5) == pytest.approx(-0.02)
    assert calendar_margin(CURVE, later, 0.5, 0.5) is None


def test_recorded_smiles_are_fitted_as_well_as_scipy_does(summary_chain):
    """Weighted sum of squares on every expiry, at most 15 % above `least_squares` started at our parameters."""
    times = [(e.time - summary_chain.view.time) / MS_PER_YEAR for e in summary_chain.view.layout.expiries]
    for smile, years, found in zip(summary_chain.smiles, times, fit_smiles(summary_chain.smiles, times), strict=True):
        weight = np.exp(-0.25 * d1(1.0, np.exp(smile.k), years, smile.vol) ** 2)

        def errors(p, smile=smile, years=years, weight=weight):
            w = p[0] + p[1] * (np.tanh(p[2]) * (smile.k - p[3]) + np.hypot(smile.k - p[3], np.exp(p[4])))
            return weight * (w / years - smile.vol**2) / (2 * smile.vol)

        a, b, rho, m, s = found.svi
        start = np.array([a, b, np.arctanh(np.clip(rho, -0.999, 0.999)), m, np.log(s)])
        theirs = least_squares(errors, start, x_scale=np.abs(start) + 1e-3).cost
        assert 0.5 * np.sum(errors(start) ** 2) < 1.15 * theirs


def test_recorded_fits_are_within_half_a_point_in_the_core(summary_chain):
    fits = fit_smiles(summary_chain.smiles, summary_chain.years)
    assert max(found.rmse for found in fits) < 0.005
    assert min(butterfly_margin(found.svi, found.low, found.high) for found in fits) > 0
