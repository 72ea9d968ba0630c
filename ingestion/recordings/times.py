"""Receive times in recordings: epoch seconds, milliseconds, microseconds or nanoseconds, or ISO 8601."""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

MAX_US = 2**53  # largest time of an envelope: the year 2255
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_US, _LAST_US = 1_000_000_000_000_000, 4_102_444_800_000_000  # 2001-09-09 and 2100-01-01
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?")
_NUMBER = re.compile(r"\d{9,20}(\.\d{1,9})?")


def parse_time(text: str) -> int | None:
    """Epoch µs of a receive time, None for any other text. The unit of a number follows from its magnitude."""
    if _NUMBER.fullmatch(text):
        return _from_number(text)
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return None
    offset = timedelta() if zone in (None, "Z") else _offset(zone)
    micros = int((fraction or "").ljust(6, "0")[:6])
    return (instant.replace(tzinfo=timezone.utc) - offset - _EPOCH) // timedelta(microseconds=1) + micros


def is_plausible(time_us: int | None) -> bool:
    """True for a time between 2001 and 2100: clocks that count from a machine's start are none."""
    return time_us is not None and _FIRST_US <= time_us < _LAST_US


def _from_number(text: str) -> int:
    whole, _, fraction = text.partition(".")
    digits = len(whole)
    exponent = 6 if digits <= 11 else 3 if digits <= 14 else 0 if digits <= 17 else -3
    return int(int(whole) * 10**exponent if exponent >= 0 and not fraction else Decimal(text).scaleb(exponent))


def _offset(zone: str) -> timedelta:
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    size = timedelta(hours=hours, minutes=minutes)
    return -size if zone[0] == "-" else size
