"""Frames of a book in sync, and copies of them at another time or on another connection."""

import json
from typing import Any

from tests.market.orderbook.builders import Kraken, deribit, rest_snapshot, spot, usdm


def started(venue: str) -> list[bytes]:
    """A book in sync at time 0, whose newest update has id 1000."""
    return {
        "binance": [rest_snapshot("binance", 999), spot(1000, 1000)],
        "binance_usdm": [rest_snapshot("binance_usdm", 999), usdm(998, 999, 1000)],
        "deribit": [deribit(999, bids=[(100, 1)], asks=[(101, 1)]), deribit(1000, 999)],
        "kraken": [Kraken().snapshot()],
    }[venue]


def old_update(venue: str, at: float, **where: Any) -> bytes:
    """A book frame that is not applied: a copy of the newest update; on Kraken an update without a book."""
    if venue == "kraken":
        other = Kraken(where.pop("conn", "b"))
        other.seq = 3
        return other.update(bids=[(99, 1)], at=at)
    make = {"binance": (spot, 1000, 1000), "binance_usdm": (usdm, 998, 999, 1000), "deribit": (deribit, 1000, 999)}
    function, *ids = make[venue]
    return copied(function(*ids, **where), at)


def copied(value: bytes, at: float) -> bytes:
    """The same frame, received at another time."""
    record = json.loads(value)
    return json.dumps(record | {"recv_us": record["recv_us"] + int(at * 1e6)}).encode()


def on(conn: str, value: bytes) -> bytes:
    """The same frame on another connection."""
    return json.dumps(json.loads(value) | {"conn": conn}).encode()
