"""Option chain as tables in the terminal."""

from itertools import groupby

import numpy as np
from rich.console import Console
from rich.table import Table

from market.options.records import ChainRecord, SurfaceRecord
from market.options.smile import Smile
from reader.chain_snapshot import ChainSnapshot, expiry_name

_LEVELS = "▁▂▃▄▅▆▇█"
_DELTAS = np.linspace(0.95, 0.05, 13)  # call deltas of a sparkline: out-of-the-money puts on the left
_BAR_WIDTH = 20
_WIDE = 150  # terminal columns from which on all columns are shown
_NARROW_SUMMARY = frozenset(("expiry", "days", "ATM IV", "move", "RR25", "PCR", "max pain", "OI", "smile"))
_NARROW_OPTIONS = frozenset(("C OI", "C bid", "C ask", "C IV", "strike", "P OI", "P bid", "P ask", "P IV"))


def show_summary(console: Console, chain: ChainSnapshot) -> None:
    """Print a row for each expiry. Its smile runs from the 5-delta put to the 5-delta call."""
    title = f"{chain.underlying} options, {chain.time:%Y-%m-%d %H:%M:%S} UTC, index {_number(chain.index_price, 2)}"
    rows = [
        expiry_row(record) | {"smile": _sparkline(smile), "notes": " ".join(record.flags)}
        for record, smile in zip(chain.expiries, chain.smiles, strict=True)
    ]
    _show(console, title, rows, [""] * len(rows), _NARROW_SUMMARY)


def show_options(console: Console, chain: ChainSnapshot, expiry_index: int) -> None:
    """Print the options of one expiry, a row for each strike: call, strike, put, and the smile as bars."""
    record = chain.expiries[expiry_index]
    title = f"{chain.underlying} {expiry_name(record.expiry)}, forward {_number(record.forward, 2)}"
    options = (option for option in chain.options if option.expiry == record.expiry)
    by_strike = {strike: list(legs) for strike, legs in groupby(options, key=lambda option: option.strike)}
    vols = {strike: _out_of_the_money_vol(legs, record.forward) for strike, legs in by_strike.items()}
    highest = max((vol for vol in vols.values() if vol is not None), default=1.0)
    rows = []
    for strike, legs in by_strike.items():
        call, put = (next((leg for leg in legs if leg.kind == kind), None) for kind in ("call", "put"))
        middle = {"strike": " ".join([*_levels_at(strike, record), _number(strike)])}
        rows.append(_leg("C", call) | middle | _leg("P", put) | {"smile": _bar(vols[strike], highest)})
    styles = ["bold" if strike == record.atm_strike else "" for strike in by_strike]
    _show(console, title, rows, styles, _NARROW_OPTIONS)


def _show(console: Console, title: str, rows: list[dict[str, str]], styles: list[str], narrow: frozenset[str]) -> None:
    headers = [header for header in rows[0] if console.width >= _WIDE or header in narrow]
    table = Table(title=title, box=None, header_style="bold", pad_edge=False)
    for header in headers:
        left = header in ("expiry", "smile", "notes")
        table.add_column(header, justify="left" if left else "right", no_wrap=header != "notes")
    for row, style in zip(rows, styles, strict=True):
        table.add_row(*(row[header] for header in headers), style=style)
    console.print(table)


def expiry_row(record: ChainRecord) -> dict[str, str]:
    """Cells of an expiry, by column header."""
    return {
        "expiry": expiry_name(record.expiry),
        "days": _number(record.years * 365, 1),
        "forward": _number(record.forward, 1) + ("~" if record.forward_source == "parity" else ""),
        "ATM IV": _percent(record.atm_iv),
        "move": _percent(record.implied_move),
        "RR25": _percent(record.risk_reversal_25),
        "BF25": _percent(record.butterfly_25),
        "PCR": _number(record.pcr_open_interest, 2),
        "PCR volume": _number(record.pcr_volume, 2),
        "max pain": _number(record.max_pain),
        "put wall": _number(record.put_wall),
        "call wall": _number(record.call_wall),
        "OI": _number(record.call_open_interest + record.put_open_interest),
        "fit error": _percent(record.svi_rmse),
    }


def _leg(side: str, leg: SurfaceRecord | None) -> dict[str, str]:
    headers = ("OI", "volume", "bid", "ask", "IV", "delta")
    if leg is None:
        return {f"{side} {header}": "-" for header in headers}
    amounts = (_number(leg.open_interest, 1), _number(leg.volume, 1))
    values = (*amounts, _price(leg.bid), _price(leg.ask), _percent(leg.iv), _number(leg.delta, 2))
    return {f"{side} {header}": value for header, value in zip(headers, values, strict=True)}


def _out_of_the_money_vol(legs: list[SurfaceRecord], forward: float | None) -> float | None:
    """Mark volatility of the out-of-the-money option, or of the other one if it has none."""
    kind = "call" if forward is not None and legs[0].strike >= forward else "put"
    vols = (leg.mark_iv or leg.iv for leg in sorted(legs, key=lambda leg: leg.kind != kind))
    return next((vol for vol in vols if vol is not None), None)


def _levels_at(strike: float, record: ChainRecord) -> list[str]:
    levels = {"max pain": record.max_pain, "put wall": record.put_wall, "call wall": record.call_wall}
    return [name for name, level in levels.items() if level == strike]


def _bar(vol: float | None, highest: float) -> str:
    return "" if vol is None else f"{'█' * max(1, round(_BAR_WIDTH * vol / highest))} {_percent(vol)}"


def _sparkline(smile: Smile | None) -> str:
    if smile is None or len(smile.k) < 2:
        return ""
    vols = np.interp(_DELTAS, smile.call_delta[::-1], smile.vol[::-1])
    span = max(float(np.ptp(vols)), 1e-9)
    return "".join(_LEVELS[round(level)] for level in (vols - vols.min()) / span * (len(_LEVELS) - 1))


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None or value != value else f"{value:,.{digits}f}"


def _price(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _percent(value: float | None) -> str:
    return _number(None if value is None else 100 * value, 2)
