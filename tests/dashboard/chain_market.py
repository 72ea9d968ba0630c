"""A chain of options with five expiries around its spot, written to Redis as the cache job does."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from random import Random

import msgspec
import numpy as np

from market.options.black76 import greeks, price
from market.options.exposure import gamma_exposure
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from tests.gateway.feeder import Feeder, _record

VENUE, PRODUCT, SPOT = "deribit", "BTC", 67_310.0
DAYS = (1, 5, 12, 33, 96)
STRIKE_STEP = {1: 500, 5: 1000, 12: 1000, 33: 2000, 96: 4000}
HALF_STRIKES = 12


def expiry_time(days: int, now: datetime) -> datetime:
    """Eight o'clock of the day so many days ahead."""
    return (now + timedelta(days=days)).replace(hour=8, minute=0, second=0, microsecond=0)


def volatility(strike: np.ndarray, forward: float, years: float) -> np.ndarray:
    """A smile with skew: higher for low strikes and short expiries."""
    x = np.log(strike / forward) / np.sqrt(years)
    return 0.48 + 0.04 * np.exp(-8 * years) - 0.05 * x + 0.09 * x**2


def chain_records(at_ms: int) -> Iterator[tuple[ChainRecord, list[SurfaceRecord]]]:
    """Each expiry's summary and options at a time, nearest first."""
    now = datetime.fromtimestamp(at_ms / 1000, timezone.utc)
    for days in DAYS:
        yield _expiry(expiry_time(days, now), days, at_ms)


def _expiry(expiry: datetime, days: int, at_ms: int) -> tuple[ChainRecord, list[SurfaceRecord]]:
    random, step = Random(days), STRIKE_STEP[days]
    expiry_ms = int(expiry.timestamp() * 1000)
    years = (expiry_ms - at_ms) / (365 * 86_400_000)
    forward = SPOT * float(np.exp(0.05 * years))
    strikes = step * (round(SPOT / step) + np.arange(-HALF_STRIKES, HALF_STRIKES + 1)).astype(float)
    options = []
    for kind in ("call", "put"):
        options += list(_options(kind, strikes, forward, years, expiry, at_ms, random))
    by_kind = {kind: [each for each in options if each.kind == kind] for kind in ("call", "put")}
    interest = {kind: sum(each.open_interest or 0 for each in found) for kind, found in by_kind.items()}
    walls = {kind: max(found, key=lambda each: each.open_interest or 0).strike for kind, found in by_kind.items()}
    atm = float(volatility(np.array([forward]), forward, years)[0])
    straddle = float(sum(_price(forward, forward, years, atm, is_call) for is_call in (True, False)))
    summary = {
        "venue": VENUE,
        "underlying": PRODUCT,
        "expiry": expiry_ms,
        "event_time": at_ms,
        "linear": False,
        "strikes": len(strikes),
        "options": len(options),
        "years": years,
        "forward": forward,
        "forward_source": "published",
        "index_price": SPOT,
        "call_open_interest": interest["call"],
        "put_open_interest": interest["put"],
        "pcr_open_interest": interest["put"] / interest["call"],
        "max_pain": float(strikes[HALF_STRIKES - 1]),
        "call_wall": walls["call"],
        "put_wall": walls["put"],
        "straddle": straddle,
        "implied_move": straddle / forward,
        "atm_iv": atm,
        "risk_reversal_25": -0.03,
        "butterfly_25": 0.01,
        "flags": [],
    }
    return _record(ChainRecord, summary), options


def _price(forward: float, strike: float, years: float, vol: float, is_call: bool) -> float:
    arrays = (np.array([value]) for value in (forward, strike, years, vol))
    return float(price(*arrays, np.array([is_call]))[0])


def _options(
    kind: str, strikes: np.ndarray, forward: float, years: float, expiry: datetime, at_ms: int, random: Random
) -> Iterator[SurfaceRecord]:
    size = len(strikes)
    vols, is_call = volatility(strikes, forward, years), np.full(size, kind == "call")
    forwards, times = np.full(size, forward), np.full(size, years)
    values = price(forwards, strikes, times, vols, is_call) / forward
    measured = greeks(forwards, strikes, times, vols, is_call)
    for place, strike in enumerate(strikes):
        far = abs(place - HALF_STRIKES + (-3 if kind == "call" else 3))
        interest = round(900 * float(np.exp(-far / 4)) * random.uniform(0.4, 1.6), 1)
        gamma = float(measured.gamma[place])
        exposure = gamma_exposure(np.array([gamma]), np.array([interest]), np.array([forward]))
        yield _record(
            SurfaceRecord,
            {
                "venue": VENUE,
                "underlying": PRODUCT,
                "instrument": f"BTC-{expiry:%-d%b%y}-{strike:.0f}-{kind[0]}".upper(),
                "expiry": int(expiry.timestamp() * 1000),
                "strike": float(strike),
                "kind": kind,
                "event_time": at_ms,
                "quote_time": at_ms,
                "forward": forward,
                "bid": round(max(0.0, float(values[place]) * 0.985 - 0.0001), 4) or None,
                "ask": round(float(values[place]) * 1.015 + 0.0002, 4),
                "mark": float(values[place]),
                "bid_iv": float(vols[place]) - 0.006,
                "ask_iv": float(vols[place]) + 0.006,
                "mark_iv": float(vols[place]) + random.gauss(0, 0.0015),
                "fit_iv": float(vols[place]),
                "delta": float(measured.delta[place]),
                "gamma": gamma,
                "open_interest": interest,
                "gamma_usd": float(exposure[0]),
                "flags": [],
            },
        )


def publish_chain(feeder: Feeder, at_ms: int) -> None:
    """One second of the whole chain, in sync."""
    key, found = f"{VENUE}:{PRODUCT}", list(chain_records(at_ms))
    options = [option for _, each in found for option in each]
    calls, puts = (sum(s.call_open_interest for s, _ in found), sum(s.put_open_interest for s, _ in found))
    gross = sum(each.gamma_usd for each in options)
    naive = sum(each.gamma_usd * (1 if each.kind == "call" else -1) for each in options)
    tick = UnderlyingTick(
        *(VENUE, PRODUCT, at_ms, SPOT, len(options), len(found), calls, puts, puts / calls, 0.7, gross, naive),
        zero_gamma=66_050.0,
    )
    feeder.state("synced", at_ms, key=key)
    feeder.process("underlying_ticks", key, msgspec.json.encode(tick))
    for summary, each in found:
        feeder.process("options.chain", key, msgspec.json.encode(summary))
        feeder.process("options.surface", key, *map(msgspec.json.encode, each))
