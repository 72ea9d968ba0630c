"""An option chain as a picture: smiles, surface, open interest, term structure."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from market.options.black import Floats
from market.options.svi_fit import Fit
from reader.chain_snapshot import Snapshot, expiry_name

_SIZE = (14.0, 9.0)
_CALL, _PUT = "#2a9d8f", "#e76f51"
_CURVE = 200
_REACH = 0.5  # of ln(K/F), either way


def plot_chain(chain: Snapshot, place: int, path: Path) -> None:
    """Writes the picture in the format of its suffix; `place`: the expiry whose open interest is drawn."""
    figure = Figure(figsize=_SIZE, layout="constrained", dpi=110)
    (smiles, surface), (interest, term) = figure.subplots(2, 2)
    figure.suptitle(f"{chain.underlying} options at {chain.venue.capitalize()}, {chain.time:%Y-%m-%d %H:%M:%S} UTC")
    _draw_smiles(smiles, chain)
    _draw_surface(surface, chain)
    _draw_interest(interest, chain, place)
    _draw_term(term, chain)
    figure.savefig(path)


def _draw_smiles(axes: Axes, chain: Snapshot) -> None:
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(chain.expiries)))
    for record, points, fitted, colour in zip(chain.expiries, chain.smiles, chain.fits, colours, strict=True):
        if points is None:
            continue
        axes.plot(points.k, 100 * points.vol, ".", color=colour, markersize=4, label=expiry_name(record.expiry))
        if fitted is not None:
            k = np.linspace(fitted.low, fitted.high, _CURVE)
            axes.plot(k, 100 * np.sqrt(fitted.svi.variance(k) / record.years), color=colour, linewidth=1)
    axes.set(title="Smiles: marks (dots) and SVI fits", xlabel="ln(K/F)", ylabel="implied volatility, %")
    axes.set(xlim=(-2 * _REACH, 2 * _REACH))
    if axes.has_data():
        axes.legend(fontsize=7, ncols=2)


def _draw_surface(axes: Axes, chain: Snapshot) -> None:
    fitted = [(record.years, each) for record, each in zip(chain.expiries, chain.fits, strict=True) if each]
    axes.set(title="Surface of the fits, within their strikes", xlabel="ln(K/F)", ylabel="days to expiry")
    if len(fitted) < 2:
        axes.text(0.5, 0.5, "fewer than two fitted expiries", ha="center", transform=axes.transAxes)
        return
    k = np.linspace(-_REACH, _REACH, _CURVE)
    vols = np.array([100 * np.sqrt(_inside(each, k) / years) for years, each in fitted])
    days = np.array([365 * years for years, _ in fitted])
    shades = axes.contourf(k, days, vols, levels=20, cmap="magma")
    axes.set_yscale("log")
    axes.figure.colorbar(shades, ax=axes, label="implied volatility, %")


def _inside(fitted: Fit, k: Floats) -> Floats:
    return np.where((k >= fitted.low) & (k <= fitted.high), fitted.svi.variance(k), np.nan)


def _draw_interest(axes: Axes, chain: Snapshot, place: int) -> None:
    record = chain.expiries[place]
    for kind, sign, colour in (("call", 1, _CALL), ("put", -1, _PUT)):
        legs = [leg for leg in chain.legs if leg.expiry == record.expiry and leg.kind == kind]
        strikes = [leg.strike for leg in legs]
        held = [sign * (leg.open_interest or 0) for leg in legs]
        width = 0.8 * float(np.median(np.diff(strikes))) if len(strikes) > 1 else 1.0
        axes.bar(strikes, held, width, color=colour, label=f"{kind}s")
    levels = (("forward", record.forward, "black", "-"), ("max pain", record.max_pain, "black", "--"))
    walls = (("put wall", record.put_wall, _PUT, ":"), ("call wall", record.call_wall, _CALL, ":"))
    for name, level, colour, style in levels + walls:
        if level is not None:
            axes.axvline(level, color=colour, linestyle=style, linewidth=1.2, label=f"{name} {level:,.0f}")
    ratio = record.pcr_open_interest
    title = f"Open interest {expiry_name(record.expiry)}, put-call ratio {'-' if ratio is None else f'{ratio:.2f}'}"
    axes.set(title=title, xlabel="strike", ylabel="puts below, calls above")
    axes.legend(fontsize=7)


def _draw_term(axes: Axes, chain: Snapshot) -> None:
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
