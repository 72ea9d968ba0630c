"""Names of Deribit's instruments, underlyings and indices (docs/venues/deribit.md)."""

import re
from datetime import datetime, timezone

from market.options.events import Instrument

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
EXPIRY_HOUR_UTC = 8  # true of all 980 recorded BTC, ETH and SOL options

_NAME = re.compile(
    r"(?P<underlying>[A-Z0-9]+?(?:_(?P<quote>[A-Z0-9]+))?)-(?P<day>[1-9]|[12]\d|3[01])(?P<month>[A-Z]{3})(?P<year>\d\d)"
    r"-(?P<strike>\d+(?:d\d+)?)-(?P<kind>[CP])"
)


def parse_name(name: str) -> Instrument | None:
    """Option described by a name; None for futures, combos and any other text.

    A name contains no hour and no contract type. Expiry at 08:00 UTC and an inverse contract, unless the name has a
    quote currency, are assumed until the instrument's row is received.
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


def underlying(symbol: str) -> str:
    """Underlying of an instrument, index or currency: `BTC` for `BTC-27NOV26-73000-P`, `btc_usd` and `BTC`.

    A linear family keeps its quote currency (`XRP_USDC` for `XRP_USDC-30JUN23-0d625-C`, `xrp_usdc`): it is another
    chain.
    """
    return symbol.partition("-")[0].upper().removesuffix("_USD")


def size_unit(symbol: str) -> str:
    """Unit of an instrument's sizes: USD for inverse perpetuals and futures, the coin for all others."""
    family, _, contract = symbol.upper().partition("-")
    coin, _, quote = family.partition("_")
    return "USD" if contract and not quote and parse_name(symbol) is None else coin


def index_names(underlying: str) -> tuple[str, ...]:
    """Names of an underlying's index: `btc` and `btc_usd`, or `xrp_usdc` for a linear family."""
    name = underlying.lower()
    return (name,) if "_" in name else (name, f"{name}_usd")
