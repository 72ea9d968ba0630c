"""What the cache is told of option chains, as in design.md §4: one hash for each expiry, without a client library."""

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import TypeAlias

import msgspec
from msgspec import Struct

LIFE_S = 300  # of a chain that nobody speaks of any more


class CachedLine(Struct, frozen=True, gc=False):
    """What places a line of `options.chain` or `options.surface` in the cache; the former has no instrument."""

    underlying: str
    expiry: int
    event_time: int
    instrument: str = "summary"


# By key, then by field: event time in epoch ms, and the line as it came.
Fields: TypeAlias = dict[str, dict[str, tuple[int, bytes]]]

_decode = msgspec.json.Decoder(CachedLine).decode


def chain_fields(lines: Iterable[bytes]) -> Fields:
    """The newest of these lines for each field `summary` or instrument of each key `chain:UNDERLYING:YYYY-MM-DD`.

    Of two lines of one event time the later one holds. A line that is no record is left out.
    """
    fields: Fields = {}
    for line in lines:
        try:
            placed = _decode(line)
            day = datetime.fromtimestamp(placed.expiry / 1000, timezone.utc)
        except (msgspec.DecodeError, ValueError, OverflowError):
            continue
        kept = fields.setdefault(f"chain:{placed.underlying.upper()}:{day:%Y-%m-%d}", {})
        if placed.event_time >= kept.get(placed.instrument, (0, b""))[0]:
            kept[placed.instrument] = placed.event_time, line
    return fields
