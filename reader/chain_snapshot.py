"""Records of an option chain at one instant, from any source, with the smiles and fits that they describe."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import UserError
from market.options.records import ChainRecord, SurfaceRecord
from market.options.smile import Smile, build_smile
from market.options.svi import Svi
from market.options.svi_fit import SviFit


@dataclass(frozen=True)
class ChainSnapshot:
    """Records of one second. `expiries`: the nearest first; `options`: by expiry, strike, put before call."""

    expiries: list[ChainRecord]
    options: list[SurfaceRecord]

    @classmethod
    def of(cls, expiries: Iterable[ChainRecord], options: Iterable[SurfaceRecord]) -> "ChainSnapshot":
        """Snapshot of the records of one second in any order, with at least one expiry."""
        ordered = sorted(options, key=lambda option: (option.expiry, option.strike, option.kind == "call"))
        return cls(sorted(expiries, key=lambda expiry: expiry.expiry), ordered)

    @property
    def underlying(self) -> str:
        return self.expiries[0].underlying

    @property
    def venue(self) -> str:
        return self.expiries[0].venue

    @property
    def time(self) -> datetime:
        return _utc(self.expiries[0].event_time)

    @property
    def index_price(self) -> float | None:
        return self.expiries[0].index_price

    @cached_property
    def smiles(self) -> list[Smile | None]:
        """Smile of each expiry, from published mark volatilities or else our own, without those of stale quotes.

        None without a forward.
        """
        return [self._smile(expiry) for expiry in self.expiries]

    @cached_property
    def fits(self) -> list[SviFit | None]:
        """Fitted curve of each expiry; None without a fit."""
        return [_fit(expiry, smile) for expiry, smile in zip(self.expiries, self.smiles, strict=True)]

    def expiry_index(self, name: str | None) -> int:
        """Index in `expiries` of a day such as `29APR26` or `2026-04-29`; None: the one with the most open interest.

        Raises `UserError` for a day on which no option expires.
        """
        if name is None:
            open_interest = [expiry.call_open_interest + expiry.put_open_interest for expiry in self.expiries]
            return open_interest.index(max(open_interest))
        names = [expiry_name(expiry.expiry) for expiry in self.expiries]
        for spellings in (names, [f"{_utc(expiry.expiry):%Y-%m-%d}" for expiry in self.expiries]):
            if name.upper() in spellings:
                return spellings.index(name.upper())
        raise UserError(f"unknown expiry {name!r}; expected one of {', '.join(names)}")

    @property
    def warnings(self) -> list[str]:
        """Sentences about expiries whose numbers lack rows or rest on old quotes."""
        found = []
        for record in self.expiries:
            name = f"{record.underlying} {expiry_name(record.expiry)}"
            if "refused_rows" in record.flags:
                count = record.refused_options
                rows = "row of 1 option was" if count == 1 else f"rows of {count or 'some'} options were"
                found.append(f"{name}: the newest {rows} refused; sums lack them")
            if "stale_quotes" in record.flags:
                age = "" if record.quote_age_ms is None else f", the newest is {record.quote_age_ms / 1000:,.0f} s old"
                stale = f"{record.stale_options or 'some'} of {record.options}"
                found.append(f"{name}: quotes of {stale} options are stale{age}")
        return found

    def _smile(self, expiry: ChainRecord) -> Smile | None:
        if expiry.forward is None:
            return None
        vols: dict[str, dict[float, float]] = {"call": {}, "put": {}}
        for option in self.options:
            if option.expiry == expiry.expiry and "stale_quotes" not in option.flags:
                vol = option.iv if option.mark_iv is None else option.mark_iv
                vols[option.kind][option.strike] = math.nan if vol is None else vol
        strikes = sorted(vols["call"].keys() | vols["put"].keys())
        calls, puts = (np.array([vols[kind].get(strike, math.nan) for strike in strikes]) for kind in ("call", "put"))
        return build_smile(np.array(strikes), calls, puts, expiry.forward, expiry.years)


def _by_second(
    chains: Iterable[ChainRecord], surfaces: Iterable[SurfaceRecord]
) -> tuple[dict[int, dict[int, ChainRecord]], dict[int, dict[str, SurfaceRecord]]]:
    """Records by event time, then by expiry or instrument. A later record of the same key replaces the earlier one."""
    expiries: dict[int, dict[int, ChainRecord]] = {}
    options: dict[int, dict[str, SurfaceRecord]] = {}
    for chain in chains:
        expiries.setdefault(chain.event_time, {})[chain.expiry] = chain
    for option in surfaces:
        options.setdefault(option.event_time, {})[option.instrument] = option
    return expiries, options


def newest_complete(chains: Iterable[ChainRecord], surfaces: Iterable[SurfaceRecord]) -> ChainSnapshot | None:
    """Snapshot of the newest second that has the records of all its options; None if no second has."""
    expiries, options = _by_second(chains, surfaces)
    for time in sorted(expiries, reverse=True):
        count = sum(expiry.options for expiry in expiries[time].values())
        if len(options.get(time, ())) == count:
            return ChainSnapshot.of(expiries[time].values(), options[time].values())
    return None


def expiry_name(expiry: int) -> str:
    """Day of an expiry (epoch ms) in the notation of instrument names, such as `29APR26`."""
    day = _utc(expiry)
    return f"{day.day}{day:%b%y}".upper()


def _fit(expiry: ChainRecord, smile: Smile | None) -> SviFit | None:
    values: Mapping[str, Any] = {name: getattr(expiry, f"svi_{name}") for name in ("a", "b", "rho", "m", "s")}
    if smile is None or None in values.values() or expiry.svi_rmse is None or expiry.svi_worst is None:
        return None
    low, high = float(smile.k[0]), float(smile.k[-1])
    return SviFit(Svi(**values), expiry.svi_rmse, expiry.svi_worst, expiry.svi_points, low, high)


def _utc(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, timezone.utc)
