"""What goes through the analytics job beside the books that are compared: the same again in peace, and later hours."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
from kafka.partitioner import murmur2

from market.batch import Batch
from tests.jobs.desk import Record

EARLIER_MS = 7 * 86_400_000  # whole days: windows begin where they do
LATER_MS = 3_600_000
MINUTE_MS = 60_000
HOURS = 3
TOPICS = {"processed": "orderbook.processed", "statuses": "orderbook.status", "trades": "trades"}


def peaceful(batches: dict[str, Batch]) -> Iterator[Record]:
    """All that the domain says, a week earlier and of books of other names, in the order of event time."""
    aliases = {key: f"peaceful:{name}" for key, name in zip(batches, symbols("peaceful", batches), strict=False)}
    rows = [
        (row["event_time"] - EARLIER_MS, TOPICS[kind], aliases[key], row)
        for key, batch in batches.items()
        for kind in TOPICS
        for row in map(msgspec.json.decode, getattr(batch, kind))
    ]
    for time, topic, alias, row in sorted(rows, key=lambda each: each[0]):
        venue, _, symbol = alias.partition(":")
        yield topic, alias, msgspec.json.encode(row | {"venue": venue, "symbol": symbol, "event_time": time})


def closing(batches: dict[str, Batch], name: str, shift_ms: int = 0) -> Iterator[Record]:
    """Records and trades of later hours, in the partition of the books: with them every window before has closed."""
    symbol = next(symbols(name, batches))
    for hour in range(1, HOURS + 1):
        for kind in ("processed", "trades"):
            yield later(kind, batches, name, symbol, shift_ms + hour * LATER_MS)


def minutes(batches: dict[str, Batch]) -> Iterator[Record]:
    """After all that: a book in the other partition once, then one in that of the books minute after minute."""
    begin_ms = (HOURS + 1) * LATER_MS
    yield later("processed", batches, "silent", next(symbols("silent", batches, beside=True)), begin_ms)
    symbol = next(symbols("steady", batches))
    for minute in count(1):
        yield later("processed", batches, "steady", symbol, begin_ms + minute * MINUTE_MS)


def later(kind: str, batches: dict[str, Batch], venue: str, symbol: str, by_ms: int) -> Record:
    """The last record or trade of all books, said by another book so much later."""
    last = newest(kind, batches)
    times = {"event_time": last["event_time"] + by_ms, "recv_us": last["recv_us"] + 1000 * by_ms}
    moved = last | times | {"venue": venue, "symbol": symbol}
    return TOPICS[kind], f"{venue}:{symbol}", json.dumps(moved).encode()


def newest(kind: str, batches: dict[str, Batch]) -> dict[str, Any]:
    ends: list[dict[str, Any]] = [msgspec.json.decode(getattr(batch, kind)[-1]) for batch in batches.values()]
    return max(ends, key=lambda each: int(each["event_time"]))


def symbols(venue: str, batches: dict[str, Batch], beside: bool = False) -> Iterator[str]:
    """Names that a venue's keys need in order to share the one partition that the books are in, or not to."""
    (partition,) = {partition_of(key) for key in batches}
    return (name for name in "ABCDEFGHIJKLMNOP" if (partition_of(f"{venue}:{name}") == partition) is not beside)


def partition_of(key: str) -> int:
    return int(murmur2(key.encode()) & 0x7FFFFFFF) % 2
