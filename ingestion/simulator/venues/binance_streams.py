"""Binance's slower and smaller streams, made from `depth@100ms` and `aggTrade` events when somebody wants them."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec

Event = dict[str, Any]
SECOND_US = 1_000_000
_STEP = Decimal("0.00000001")


@dataclass(frozen=True)
class StreamFacts:
    """What a venue has beside the two: diff streams and their intervals in µs; complete small books, their levels and
    intervals; whether there is `trade`.
    """

    diffs: dict[str, int]
    partial: dict[str, tuple[int, int]]
    raw_trades: bool


SPOT = StreamFacts(
    diffs={"depth": SECOND_US},
    partial={
        f"depth{levels}{speed}": (levels, interval)
        for levels in (5, 10, 20)
        for speed, interval in (("", SECOND_US), ("@100ms", 0))
    },
    raw_trades=True,
)
USDM = StreamFacts({"depth": 250_000, "depth@500ms": 500_000, "depth@0ms": 0}, {}, raw_trades=False)


class SlowerDiff:
    """Puts diff events together until the interval is over: first and last ids, the newest size of each price."""

    def __init__(self, interval_us: int) -> None:
        self._interval_us = interval_us
        self._since = 0
        self._event: Event | None = None

    def add(self, event: Event, time_us: int) -> Event | None:
        """The event to send, once it is time for one."""
        self._since = self._since or time_us
        self._event = event if self._event is None else _joined(self._event, event)
        if time_us - self._since < self._interval_us:
            return None
        whole, self._event, self._since = self._event, None, time_us
        return whole

    def forget(self) -> None:
        """Nobody listens: who comes next must not hear of what came before."""
        self._since, self._event = 0, None


def raw_trades(aggregate: Event) -> Iterator[Event]:
    """The trades that an `aggTrade` is the sum of."""
    count = aggregate["l"] - aggregate["f"] + 1
    whole = Decimal(aggregate["q"])
    part = (whole / count).quantize(_STEP, ROUND_DOWN)
    for number in range(count):
        size = whole - part * (count - 1) if number == 0 else part
        same = {field: aggregate[field] for field in ("E", "s")}
        rest = {field: aggregate[field] for field in ("T", "m", "M")}
        yield {"e": "trade", **same, "t": aggregate["f"] + number, "p": aggregate["p"], "q": f"{size:f}", **rest}


def combined(stream: str, data: Any) -> bytes:
    """A frame as the combined address gives it."""
    return msgspec.json.encode({"stream": stream, "data": data})


def event_of(frame: bytes) -> Event:
    """The event in such a frame."""
    event: Event = msgspec.json.decode(frame)["data"]
    return event


def _joined(first: Event, second: Event) -> Event:
    sides = {side: [[p, q] for p, q in (dict(first[side]) | dict(second[side])).items()] for side in ("b", "a")}
    return second | {field: first[field] for field in ("U", "pu") if field in first} | sides
