"""Binance's slower and smaller streams, made from `depth@100ms` and `aggTrade` events while they have subscribers."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec

Event = dict[str, Any]
SECOND_US = 1_000_000
_STEP = Decimal("0.00000001")


@dataclass(frozen=True)
class StreamSet:
    """Streams other than `depth@100ms` and `aggTrade`.

    `diffs`: interval in µs by diff stream. `partial`: levels and interval in µs by stream of complete small books.
    `raw_trades`: true if the venue has `trade`. `trade_mark`: `X` of its frames, empty where they have none.
    """

    diffs: dict[str, int]
    partial: dict[str, tuple[int, int]]
    raw_trades: bool
    trade_mark: str = ""


SPOT = StreamSet(
    diffs={"depth": SECOND_US},
    partial={
        f"depth{levels}{speed}": (levels, interval)
        for levels in (5, 10, 20)
        for speed, interval in (("", SECOND_US), ("@100ms", 0))
    },
    raw_trades=True,
)
USDM = StreamSet({"depth": 250_000, "depth@500ms": 500_000, "depth@0ms": 0}, {}, raw_trades=True, trade_mark="MARKET")


class SlowerDiff:
    """Merges the diff events of one interval: first and last ids, the newest size of each price."""

    def __init__(self, interval_us: int) -> None:
        self._interval_us = interval_us
        self._since = 0
        self._event: Event | None = None

    def add(self, event: Event, time_us: int) -> Event | None:
        """The merged event when the interval is over; None before."""
        self._since = self._since or time_us
        self._event = event if self._event is None else _merge(self._event, event)
        if time_us - self._since < self._interval_us:
            return None
        merged, self._event, self._since = self._event, None, time_us
        return merged

    def reset(self) -> None:
        """Drop collected events: the next subscriber must not receive changes from before its subscription."""
        self._since, self._event = 0, None


def raw_trades(aggregate: Event, mark: str = "") -> Iterator[Event]:
    """Trades whose sum is the `aggTrade`, with `X` set to `mark` unless it is empty."""
    count = aggregate["l"] - aggregate["f"] + 1
    total = Decimal(aggregate["q"])
    part = (total / count).quantize(_STEP, ROUND_DOWN)
    for number in range(count):
        size = total - part * (count - 1) if number == 0 else part
        same = {field: aggregate[field] for field in ("E", "s")}
        rest = {field: aggregate[field] for field in ("T", "m", "M") if field in aggregate} | (
            {"X": mark} if mark else {}
        )
        yield {"e": "trade", **same, "t": aggregate["f"] + number, "p": aggregate["p"], "q": f"{size:f}", **rest}


def encode_combined(stream: str, data: Any) -> bytes:
    """A frame in the form of the combined address."""
    return msgspec.json.encode({"stream": stream, "data": data})


def event_of(frame: bytes) -> Event:
    """The event in a frame of the combined address."""
    event: Event = msgspec.json.decode(frame)["data"]
    return event


def _merge(first: Event, second: Event) -> Event:
    sides = {side: [[p, q] for p, q in (dict(first[side]) | dict(second[side])).items()] for side in ("b", "a")}
    return second | {field: first[field] for field in ("U", "pu") if field in first} | sides
