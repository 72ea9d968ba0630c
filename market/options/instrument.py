"""Option instruments: what a name says, and what the venue's own instrument row says better."""

import re
from datetime import datetime, timezone

from msgspec import Struct

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EXPIRY_HOUR_UTC = 8  # every one of 980 recorded BTC, ETH and SOL options

_NAME = re.compile(
    r"(?P<underlying>[A-Z0-9]+?(?:_(?P<quote>[A-Z0-9]+))?)-(?P<day>[1-9]|[12]\d|3[01])(?P<month>[A-Z]{3})(?P<year>\d\d)"
    r"-(?P<strike>\d+(?:d\d+)?)-(?P<kind>[CP])"
)


class Instrument(Struct, frozen=True, gc=False):
    """One listed option. `expiry`: epoch ms UTC. `strike` in the quote currency.

    `linear`: quoted and paid in the quote currency (USDC options, equity indices); otherwise in coin (inverse).
    `underlying` names the chain: what stands before the first dash (`BTC`, `XRP_USDC`, `NIFTY`).
    """

    name: str
    underlying: str
    expiry: int
    strike: float
    is_call: bool
    linear: bool


def parse_name(name: str) -> Instrument | None:
    """The option that a Deribit name describes; None for futures, combos and what is no name at all.

    Names carry no hour and no contract type: 08:00 UTC, and inverse unless a quote currency is named, hold until the
    instrument's row says otherwise.
    """
    match = _NAME.fullmatch(name)
    expiry = match and _expiry(match["day"], match["month"], match["year"])
    strike = float(match["strike"].replace("d", ".")) if match else 0.0
    if not match or not expiry or not strike:
        return None
    return Instrument(name, match["underlying"], expiry, strike, match["kind"] == "C", match["quote"] is not None)


def _expiry(day: str, month: str, year: str) -> int | None:
    try:
        at = datetime(2000 + int(year), MONTHS.index(month) + 1, int(day), EXPIRY_HOUR_UTC, tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(at.timestamp()) * 1000
