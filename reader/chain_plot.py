"""Picture of an option chain: smiles, surface, open interest, term structure."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.options.black76 import Floats
from market.options.svi_fit import SviFit
from reader.chain_snapshot import ChainSnapshot, expiry_name

_SIZE = (14.0, 9.0)
_CALL, _PUT = "#2a9d8f", "#e76f51"
_CURVE_POINTS = 200
_MAX_K = 0.5  # largest |ln(K/F)|


def plot_chain(chain: ChainSnapshot, expiry_index: int, path: Path) -> None:
    """Write the picture to `path`, in the format of its suffix. Open interest is drawn for one expiry."""
    figure = Figure(figsize=_SIZE, layout="constrained", dpi=110)
    (smiles, surface), (open_interest, term_structure) = figure.subplots(2, 2)
    figure.suptitle(f"{chain.underlying} options at {chain.venue.capitalize()}, {chain.time:%Y-%m-%d %H:%M:%S} UTC")
    _draw_smiles(smiles, chain)
    _draw_surface(surface, chain)
    _draw_open_interest(open_interest, chain, expiry_index)
    _draw_term_structure(term_structure, chain)
    figure.savefig(path)


def _draw_smiles(axes: Axes, chain: ChainSnapshot) -> None:
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(chain.expiries)))
    for record, smile, fit, colour in zip(chain.expiries, chain.smiles, chain.fits, colours, strict=True):
        if smile is None:
            continue
        axes.plot(smile.k, 100 * smile.vol, ".", color=colour, markersize=4, label=expiry_name(record.expiry))
        if fit is not None:
            k = np.linspace(fit.low, fit.high, _CURVE_POINTS)
            axes.plot(k, 100 * np.sqrt(fit.svi.total_variance(k) / record.years), color=colour, linewidth=1)
    axes.set(title="Smiles: marks (dots) and SVI fits", xlabel="ln(K/F)", ylabel="implied volatility, %")
    axes.set(xlim=(-2 * _MAX_K, 2 * _MAX_K))
    if axes.has_data():
        axes.legend(fontsize=7, ncols=2)


def _draw_surface(axes: Axes, chain: ChainSnapshot) -> None:
    fits = [(record.years, fit) for record, fit in zip(chain.expiries, chain.fits, strict=True) if fit]
    axes.set(title="Surface of the fits, within their strikes", xlabel="ln(K/F)", ylabel="days to expiry")
    if len(fits) < 2:
        axes.text(0.5, 0.5, "fewer than two fitted expiries", ha="center", transform=axes.transAxes)
        return
    k = np.linspace(-_MAX_K, _MAX_K, _CURVE_POINTS)
    vols = np.array([100 * np.sqrt(_fitted_variance(fit, k) / years) for years, fit in fits])
    days = np.array([365 * years for years, _ in fits])
    shades = axes.contourf(k, days, vols, levels=20, cmap="magma")
    axes.set_yscale("log")
    axes.figure.colorbar(shades, ax=axes, label="implied volatility, %")


def _fitted_variance(fit: SviFit, k: Floats) -> Floats:
    """Total variance within the fitted strikes, NaN elsewhere."""
    return np.where((k >= fit.low) & (k <= fit.high), fit.svi.total_variance(k), np.nan)


def _draw_open_interest(axes: Axes, chain: ChainSnapshot, expiry_index: int) -> None:
    record = chain.expiries[expiry_index]
    for kind, sign, colour in (("call", 1, _CALL), ("put", -1, _PUT)):
        options = [option for option in chain.options if option.expiry == record.expiry and option.kind == kind]
        strikes = [option.strike for option in options]
        bars = [sign * (option.open_interest or 0) for option in options]
        width = 0.8 * float(np.median(np.diff(strikes))) if len(strikes) > 1 else 1.0
        axes.bar(strikes, bars, width, color=colour, label=f"{kind}s")
    levels = (("forward", record.forward, "black", "-"), ("max pain", record.max_pain, "black", "--"))
    walls = (("put wall", record.put_wall, _PUT, ":"), ("call wall", record.call_wall, _CALL, ":"))
    for name, level, colour, style in levels + walls:
        if level is not None:
            axes.axvline(level, color=colour, linestyle=style, linewidth=1.2, label=f"{name} {level:,.0f}")
    ratio = record.pcr_open_interest
    title = f"Open interest {expiry_name(record.expiry)}, put-call ratio {'-' if ratio is None else f'{ratio:.2f}'}"
    axes.set(title=title, xlabel="strike", ylabel="puts below, calls above")
    axes.legend(fontsize=7)


def _draw_term_structure(axes: Axes, chain: ChainSnapshot) -> None:
    lines = {
        "at the money": [record.atm_iv for record in chain.expiries],
        "between expiries": [record.forward_vol for record in chain.expiries],
        "25-delta risk reversal": [record.risk_reversal_25 for record in chain.expiries],
    }
    for name, values in lines.items():
        known = [
            (365 * record.years, 100 * v) for record, v in zip(chain.expiries, values, strict=True) if v is not None
        ]
        if known:
            axes.semilogx(*zip(*known, strict=True), "o-", markersize=4, label=name)
            axes.legend(fontsize=7)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set(title="Term structure", xlabel="days to expiry", ylabel="volatility, %")
