"""Option chains of the generator, and the expiries of their options."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal, NamedTuple, TypeAlias

# Kind of a ticker's `underlying_price`: a listed future, a synthetic forward, or the index, which is not a forward.
ForwardKind: TypeAlias = Literal["future", "synthetic", "index_price"]
QUARTERS = (3, 6, 9, 12)
HORIZON_DAYS = 800
WEEKS, MONTHS = 3, 3  # number of weekly and of monthly expiries ahead


@dataclass(frozen=True)
class Underlying:
    """One chain. `carry` and `rate` per year; `ticks`: (upper price bound, tick), in the currency of the quotes."""

    name: str
    index_name: str
    quote: str
    linear: bool
    opening: float
    strike_step: int
    vol: float
    carry: float
    rate: float
    expires: time
    weekday: int
    dailies: int
    ticks: tuple[tuple[float, float], ...]
    price_decimals: int  # decimals of a mark price
    lot: float  # smallest amount, in units of the underlying


UNDERLYINGS = {
    item.name: item
    for item in (
        # Inverse: quoted and settled in coin, 08:00 UTC, Fridays and two days ahead.
        Underlying(
            "BTC", "btc_usd", "USD", False, 61_800.0, 1_000, 0.52, 0.05, 0.0,
            time(8, tzinfo=timezone.utc), 4, 2, ((0.005, 0.0001), (float("inf"), 0.0005)), 8, 0.1,
        ),
        Underlying(
            "ETH", "eth_usd", "USD", False, 2_683.8, 50, 0.68, 0.04, 0.0,
            time(8, tzinfo=timezone.utc), 4, 2, ((0.005, 0.0001), (float("inf"), 0.0005)), 8, 1.0,
        ),
        # An equity index: quoted and settled in rupees, discounted, Tuesdays 15:30 in India.
        Underlying(
            "NIFTY", "nifty", "INR", True, 24_650.0, 50, 0.135, 0.055, 0.065,
            time(10, tzinfo=timezone.utc), 1, 0, ((float("inf"), 0.05),), 4, 75.0,
        ),
    )
}  # fmt: skip


class Expiry(NamedTuple):
    """One expiry: epoch ms, name as in `25DEC26`, and the kind of its published underlying price."""

    time: int
    label: str
    kind: ForwardKind


def upcoming(underlying: Underlying, time_ms: int) -> Iterator[Expiry]:
    """Expiries after `time_ms`, the nearest first: daily, weekly, monthly, then quarterly, as the venue lists them."""
    first = datetime.fromtimestamp(time_ms / 1000, timezone.utc).date()
    for ahead in range(HORIZON_DAYS):
        day = first + timedelta(days=ahead)
        at = int(datetime.combine(day, underlying.expires).timestamp()) * 1000
        if at > time_ms and _listed(underlying, day, ahead):
            yield Expiry(at, f"{day.day}{day:%b%y}".upper(), _kind(underlying, day))


def _listed(underlying: Underlying, day: date, ahead: int) -> bool:
    if ahead <= underlying.dailies:
        return True
    if day.weekday() != underlying.weekday:
        return False
    return ahead <= 7 * WEEKS or (_ends_month(day) and (ahead <= 31 * MONTHS or day.month in QUARTERS))


def _kind(underlying: Underlying, day: date) -> ForwardKind:
    if underlying.linear or day.weekday() != underlying.weekday:
        return "index_price"
    return "future" if _ends_month(day) else "synthetic"


def _ends_month(day: date) -> bool:
    return (day + timedelta(days=7)).month != day.month
