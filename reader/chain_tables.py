"""An option chain in the terminal."""

from itertools import groupby

import numpy as np
from rich.console import Console
from rich.table import Table

from market.options.records import ChainRecord, SurfaceRecord
from market.options.smile import Smile
from reader.chain_snapshot import Snapshot, expiry_name

_STEPS = "▁▂▃▄▅▆▇█"
_DELTAS = np.linspace(0.95, 0.05, 13)  # of the call: puts out of the money on the left
_BAR = 20
_WIDE = 150  # columns of the terminal from which everything is shown
_NARROW_SUMMARY = frozenset(("expiry", "days", "ATM IV", "move", "RR25", "PCR", "max pain", "OI", "smile"))
_NARROW_LEGS = frozenset(("C OI", "C bid", "C ask", "C IV", "strike", "P OI", "P bid", "P ask", "P IV"))


def show_summary(console: Console, chain: Snapshot) -> None:
    """A line for each expiry. Its smile goes from the 5-delta put to the 5-delta call."""
    title = f"{chain.underlying} options, {chain.time:%Y-%m-%d %H:%M:%S} UTC, index {_number(chain.index_price, 2)}"
    rows = [
        expiry_row(record) | {"smile": _sparkline(points), "notes": " ".join(record.flags)}
        for record, points in zip(chain.expiries, chain.smiles, strict=True)
    ]
    _show(console, title, rows, [""] * len(rows), _NARROW_SUMMARY)


def show_legs(console: Console, chain: Snapshot, place: int) -> None:
    """The options of one expiry, a line for each strike: calls, strike, puts, and the smile as bars."""
    record = chain.expiries[place]
    title = f"{chain.underlying} {expiry_name(record.expiry)}, forward {_number(record.forward, 2)}"
    legs = (leg for leg in chain.legs if leg.expiry == record.expiry)
    rungs = {strike: list(both) for strike, both in groupby(legs, key=lambda leg: leg.strike)}
    vols = {strike: _out_of_the_money(both, record.forward) for strike, both in rungs.items()}
    highest = max((vol for vol in vols.values() if vol is not None), default=1.0)
    rows = []
    for strike, both in rungs.items():
        call, put = (next((leg for leg in both if leg.kind == kind), None) for kind in ("call", "put"))
        middle = {"strike": " ".join([*_marks(strike, record), _number(strike)])}
        rows.append(_leg("C", call) | middle | _leg("P", put) | {"smile": _bar(vols[strike], highest)})
    styles = ["bold" if strike == record.atm_strike else "" for strike in rungs]
    _show(console, title, rows, styles, _NARROW_LEGS)


def _show(console: Console, title: str, rows: list[dict[str, str]], styles: list[str], narrow: frozenset[str]) -> None:
    heads = [head for head in rows[0] if console.width >= _WIDE or head in narrow]
    table = Table(title=title, box=None, header_style="bold", pad_edge=False)
    for head in heads:
        left = head in ("expiry", "smile", "notes")
        table.add_column(head, justify="left" if left else "right", no_wrap=head != "notes")
    for row, style in zip(rows, styles, strict=True):
        table.add_row(*(row[head] for head in heads), style=style)
    console.print(table)


def expiry_row(record: ChainRecord) -> dict[str, str]:
    """What a line says of an expiry, by heading."""
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
    heads = ("OI", "volume", "bid", "ask", "IV", "delta")
    if leg is None:
        return {f"{side} {head}": "-" for head in heads}
    amounts = (_number(leg.open_interest, 1), _number(leg.volume, 1))
    values = (*amounts, _price(leg.bid), _price(leg.ask), _percent(leg.iv), _number(leg.delta, 2))
    return {f"{side} {head}": value for head, value in zip(heads, values, strict=True)}


def _out_of_the_money(both: list[SurfaceRecord], forward: float | None) -> float | None:
    """Mark volatility of the option that is out of the money, or else of the other."""
    wanted = "call" if forward is not None and both[0].strike >= forward else "put"
    vols = (leg.mark_iv or leg.iv for leg in sorted(both, key=lambda leg: leg.kind != wanted))
    return next((vol for vol in vols if vol is not None), None)


def _marks(strike: float, record: ChainRecord) -> list[str]:
    marked = {"max pain": record.max_pain, "put wall": record.put_wall, "call wall": record.call_wall}
    return [name for name, at in marked.items() if at == strike]


def _bar(vol: float | None, highest: float) -> str:
    return "" if vol is None else f"{'█' * max(1, round(_BAR * vol / highest))} {_percent(vol)}"


def _sparkline(points: Smile | None) -> str:
    if points is None or len(points.k) < 2:
        return ""
    vols = np.interp(_DELTAS, points.call_delta[::-1], points.vol[::-1])
    span = max(float(np.ptp(vols)), 1e-9)
    return "".join(_STEPS[round(step)] for step in (vols - vols.min()) / span * (len(_STEPS) - 1))


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None or value != value else f"{value:,.{digits}f}"


def _price(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _percent(value: float | None) -> str:
    return _number(None if value is None else 100 * value, 2)
