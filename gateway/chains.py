"""One expiry of a chain with its options, and the answers computed from it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from msgspec import Struct

from gateway.encoding import Row
from market.options.records import ChainRecord, SurfaceRecord


class ExpiryChain(Struct, frozen=True):
    """The summary of one expiry at one second, and its options."""

    summary: ChainRecord
    options: list[SurfaceRecord]

    @property
    def day(self) -> str:
        """Expiry as YYYY-MM-DD, UTC."""
        return f"{datetime.fromtimestamp(self.summary.expiry / 1000, timezone.utc):%Y-%m-%d}"

    @property
    def spot(self) -> float | None:
        """Index price, else the forward."""
        return self.summary.forward if self.summary.index_price is None else self.summary.index_price


def listed(chains: Iterable[ExpiryChain]) -> list[ExpiryChain]:
    """Expiries of one chain that are ahead of its own newest time, nearest first: one that is over comes no more."""
    found = sorted(chains, key=lambda each: each.summary.expiry)
    newest = max((each.summary.event_time for each in found), default=0)
    return [each for each in found if each.summary.expiry > newest]


def full_chain(chain: ExpiryChain) -> Row:
    """Summary, and calls and puts by strike."""
    sides = {
        name: sorted((each for each in chain.options if each.kind == kind), key=lambda each: each.strike)
        for name, kind in (("calls", "call"), ("puts", "put"))
    }
    return {"expiry": chain.day, "spot_price": chain.spot, "summary": chain.summary} | sides


def smile(chain: ExpiryChain) -> Row:
    """Volatilities of one expiry by strike, of the option out of the money; `ivs` are the exchange's."""
    forward = chain.summary.forward
    points: dict[float, SurfaceRecord] = {}
    for option in sorted(chain.options, key=lambda each: each.strike):
        preferred = "call" if forward is None or option.strike >= forward else "put"
        if option.strike not in points or option.kind == preferred:
            points[option.strike] = option
    rows = list(points.values())
    return {
        "expiry": chain.day,
        "days": 365 * chain.summary.years,
        "forward": forward,
        "atm_iv": chain.summary.atm_iv,
        "strikes": [each.strike for each in rows],
        "kinds": [each.kind for each in rows],
        "deltas": [each.delta for each in rows],
        "ivs": [each.mark_iv if each.mark_iv is not None else each.iv for each in rows],
        "bid_ivs": [each.bid_iv for each in rows],
        "ask_ivs": [each.ask_iv for each in rows],
        "fit_ivs": [each.fit_iv for each in rows],
        "svi": {name: getattr(chain.summary, f"svi_{name}") for name in ("a", "b", "rho", "m", "s", "points", "rmse")},
        "flags": chain.summary.flags,
    }


def term_row(chain: ExpiryChain) -> Row:
    """One expiry of the term structure."""
    summary = chain.summary
    names = ("forward", "atm_iv", "forward_vol", "implied_move", "straddle", "risk_reversal_25", "butterfly_25")
    move = None if summary.implied_move is None or summary.forward is None else summary.implied_move * summary.forward
    return (
        {"expiry": chain.day, "days": 365 * summary.years}
        | {name: getattr(summary, name) for name in (*names, "skew_slope")}
        | {"expected_move": move, "flags": summary.flags}
    )


def exposure(chains: Iterable[ExpiryChain]) -> list[Row]:
    """Gamma exposure by strike: calls, puts, gross, and naive (calls less puts)."""
    calls: dict[float, float] = defaultdict(float)
    puts: dict[float, float] = defaultdict(float)
    for chain in chains:
        for option in chain.options:
            (calls if option.kind == "call" else puts)[option.strike] += option.gamma_usd
    return [
        {
            "strike": strike,
            "call_gamma": calls[strike],
            "put_gamma": puts[strike],
            "gross": calls[strike] + puts[strike],
            "naive": calls[strike] - puts[strike],
        }
        for strike in sorted(calls.keys() | puts.keys())
    ]


def open_interest(chains: Iterable[ExpiryChain], changes: dict[str, float | None]) -> list[Row]:
    """Open interest by strike and its change over an hour. `changes`: by instrument; an unknown one is null."""
    by_strike: dict[float, dict[str, Any]] = {}
    for chain in chains:
        for option in chain.options:
            row = by_strike.setdefault(
                option.strike,
                {"strike": option.strike, "calls": 0.0, "puts": 0.0, "calls_change_1h": None, "puts_change_1h": None},
            )
            side = f"{option.kind}s"
            row[side] += option.open_interest or 0.0
            change = changes.get(option.instrument)
            if change is not None:
                row[f"{side}_change_1h"] = (row[f"{side}_change_1h"] or 0.0) + change
    return [by_strike[strike] for strike in sorted(by_strike)]


def max_pain(chain: ExpiryChain) -> Row:
    """Max pain of one expiry, and its distance from the spot in price and as a fraction of the spot."""
    summary, spot = chain.summary, chain.spot
    distance = None if summary.max_pain is None or spot is None else summary.max_pain - spot
    return {
        "expiry": chain.day,
        "max_pain_strike": summary.max_pain,
        "max_pain_low": summary.max_pain_low,
        "max_pain_high": summary.max_pain_high,
        "spot_price": spot,
        "distance_from_spot": distance,
        "distance_share": distance / spot if distance is not None and spot else None,
        "pcr_open_interest": summary.pcr_open_interest,
    }
