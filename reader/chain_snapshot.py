"""An option chain at one instant, as its records tell it: ready to be shown, wherever they were read."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

import numpy as np

from market.errors import UserError
from market.options.records import ChainRecord, SurfaceRecord
from market.options.smile import Smile, smile
from market.options.svi import Svi
from market.options.svi_fit import Fit


@dataclass(frozen=True)
class Snapshot:
    """What the options job says of one second. `expiries`: the nearest first; `legs` by expiry and strike."""

    expiries: list[ChainRecord]
    legs: list[SurfaceRecord]

    @classmethod
    def of(cls, expiries: Iterable[ChainRecord], legs: Iterable[SurfaceRecord]) -> "Snapshot":
        """From the records of one second in any order; at least one expiry."""
        ordered = sorted(legs, key=lambda leg: (leg.expiry, leg.strike, leg.kind == "call"))
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
        """The smile of each expiry, from the venue's mark volatility, else our own; None without a forward."""
        return [self._smile(expiry) for expiry in self.expiries]

    @cached_property
    def fits(self) -> list[Fit | None]:
        """The fitted curve of each expiry, where there is one."""
        return [_fit(expiry, points) for expiry, points in zip(self.expiries, self.smiles, strict=True)]

    def place(self, wanted: str | None) -> int:
        """The place among `expiries` of `29APR26` or `2026-04-29`; None: of the most open interest."""
        if wanted is None:
            held = [expiry.call_open_interest + expiry.put_open_interest for expiry in self.expiries]
            return held.index(max(held))
        names = [expiry_name(expiry.expiry) for expiry in self.expiries]
        for spelt in (names, [f"{_utc(expiry.expiry):%Y-%m-%d}" for expiry in self.expiries]):
            if wanted.upper() in spelt:
                return spelt.index(wanted.upper())
        raise UserError(f"no expiry {wanted} in this chain: expected one of {', '.join(names)}")

    def _smile(self, expiry: ChainRecord) -> Smile | None:
        if expiry.forward is None:
            return None
        vols: dict[str, dict[float, float]] = {"call": {}, "put": {}}
        for leg in self.legs:
            if leg.expiry == expiry.expiry:
                vol = leg.iv if leg.mark_iv is None else leg.mark_iv
                vols[leg.kind][leg.strike] = math.nan if vol is None else vol
        strikes = sorted(vols["call"].keys() | vols["put"].keys())
        calls, puts = (np.array([vols[kind].get(strike, math.nan) for strike in strikes]) for kind in ("call", "put"))
        return smile(np.array(strikes), calls, puts, expiry.forward, expiry.years)


def by_second(
    chains: Iterable[ChainRecord], legs: Iterable[SurfaceRecord]
) -> tuple[dict[int, dict[int, ChainRecord]], dict[int, dict[str, SurfaceRecord]]]:
    """Records by event time, then by expiry or instrument: of a second that was said again, the last."""
    expiries: dict[int, dict[int, ChainRecord]] = {}
    options: dict[int, dict[str, SurfaceRecord]] = {}
    for chain in chains:
        expiries.setdefault(chain.event_time, {})[chain.expiry] = chain
    for leg in legs:
        options.setdefault(leg.event_time, {})[leg.instrument] = leg
    return expiries, options


def newest_whole(chains: Iterable[ChainRecord], legs: Iterable[SurfaceRecord]) -> Snapshot | None:
    """The newest second of which every option is there; None without any."""
    expiries, options = by_second(chains, legs)
    for time in sorted(expiries, reverse=True):
        listed = sum(expiry.options for expiry in expiries[time].values())
        if len(options.get(time, ())) == listed:
            return Snapshot.of(expiries[time].values(), options[time].values())
    return None


def expiry_name(expiry: int) -> str:
    """`29APR26`, as the venue spells the day of an expiry (epoch ms)."""
    day = _utc(expiry)
    return f"{day.day}{day:%b%y}".upper()


def _fit(expiry: ChainRecord, points: Smile | None) -> Fit | None:
    values: Mapping[str, Any] = {name: getattr(expiry, f"svi_{name}") for name in ("a", "b", "rho", "m", "s")}
    if points is None or None in values.values() or expiry.svi_rmse is None or expiry.svi_worst is None:
        return None
    low, high = float(points.k[0]), float(points.k[-1])
    return Fit(Svi(**values), expiry.svi_rmse, expiry.svi_worst, expiry.svi_points, low, high)


def _utc(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, timezone.utc)
