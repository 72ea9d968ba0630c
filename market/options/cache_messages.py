"""Cache layout of option chains and their underlyings, without a client library: one hash for each expiry."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TypeAlias

import msgspec
from msgspec import Struct

from core.envelope import DECODE_ERRORS

TTL_S = 300  # life of a hash after its last update


class CachedLine(Struct, frozen=True, gc=False):
    """Fields of a record of `options.chain` or `options.surface` that place it in the cache.

    Records of `options.chain` have no instrument; their field is `summary`.
    """

    underlying: str
    expiry: int
    event_time: int
    instrument: str = "summary"


class TickTime(Struct, frozen=True, gc=False):
    """Fields of a record of `underlying_ticks` that place it in the cache."""

    underlying: str
    event_time: int


# By key, then by hash field: event time in epoch ms, and the encoded record.
HashFields: TypeAlias = dict[str, dict[str, tuple[int, bytes]]]

_decode = msgspec.json.Decoder(CachedLine).decode
_decode_tick = msgspec.json.Decoder(TickTime).decode


def chain_fields(lines: Iterable[bytes]) -> HashFields:
    """Newest record of each field (`summary` or instrument) of each key `chain:UNDERLYING:YYYY-MM-DD`.

    Of two records with the same event time the later one in `lines` is used. Lines that are no record are skipped.
    """
    fields: HashFields = {}
    for line in lines:
        try:
            record = _decode(line)
            day = datetime.fromtimestamp(record.expiry / 1000, timezone.utc)
        except (*DECODE_ERRORS, ValueError, OverflowError):
            continue
        newest = fields.setdefault(f"chain:{record.underlying.upper()}:{day:%Y-%m-%d}", {})
        if record.event_time >= newest.get(record.instrument, (0, b""))[0]:
            newest[record.instrument] = record.event_time, line
    return fields


def newest_tick(lines: Iterable[bytes]) -> tuple[int, bytes] | None:
    """Event time (epoch ms) and line of the newest record of `underlying_ticks`; None without any.

    Of two records with the same event time the later one in `lines` is used. Lines that are no record are skipped.
    """
    newest: tuple[int, bytes] | None = None
    for line in lines:
        try:
            event_time = _decode_tick(line).event_time
        except DECODE_ERRORS:
            continue
        if newest is None or event_time >= newest[0]:
            newest = event_time, line
    return newest
