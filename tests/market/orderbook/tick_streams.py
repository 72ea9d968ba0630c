"""Streams of updates and changes of state for ticks, and ticks with or without batches, restores and timers."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

from core.records import Processed
from market.orderbook.book_ticks import BookTicks
from market.orderbook.quiet_clock import QuietClock
from market.orderbook.tick_records import BookTick, Window
from market.orderbook.tick_state import StateChange, TickChanges
from tests.market.orderbook.tick_model import Event

OPEN = 1_767_225_600_000
VENUE, SYMBOL = "binance", "BTCUSDT"
STALE_AFTER_S = 30


def update(
    at: int, bid: float = 10.0, ask: float = 12.0, ofi: float | None = 1.0, spread: float | None = 0.5
) -> Processed:
    """A record; without a spread, one side is empty."""
    total = bid + ask
    touch = (99.75, bid / 2, 100.25, ask / 2, 100.0, 100.0 + (bid - ask) / total, spread)
    middle = touch if spread is not None else (None,) * 7
    bps = None if spread is None else 100 * spread
    imbalance = (bid - ask) / total
    rest = (bid, ask, imbalance, imbalance / 2, 0.5, ofi if spread is not None else None, 10, 10, 10, [])
    return Processed(VENUE, SYMBOL, at, 1000 * at, at, *middle, bps, *rest)  # type: ignore[arg-type]


def change(at: int, state: Any, reason: str = "") -> StateChange:
    return StateChange(0, state, reason, at)


@st.composite
def streams(draw: st.DrawFn, longest_gap: int = 4_000, jitter: bool = True) -> list[Event]:
    """Updates and changes of state; `jitter`: some have a time before that of the event before them.

    Without jitter, no other event has the time of a change of state.
    """
    gaps = st.one_of(st.integers(0, 30), st.integers(0, 300), st.integers(0, longest_gap))
    depth = st.floats(0.001, 1000)
    spreads = st.one_of(st.none(), st.floats(0.01, 5), st.floats(0.01, 5))
    flows = st.one_of(st.none(), st.floats(-50, 50), st.floats(-50, 50))
    events: list[Event] = []
    at, in_sync = OPEN + draw(st.integers(0, 2000)), True
    for _ in range(draw(st.integers(1, 60))):
        at += draw(gaps)
        back = draw(st.sampled_from([0, 0, 0, 3, 150])) if jitter else 0
        if not in_sync or draw(st.integers(0, 15)) == 0:
            state = "synced" if not in_sync or draw(st.booleans()) else draw(st.sampled_from(["gap", "stale"]))
            in_sync = state == "synced"
            at += 1 - jitter
            events.append(change(at - back, state, "why"))
            at += 1 - jitter
        else:
            events.append(update(at - back, draw(depth), draw(depth), draw(flows), draw(spreads)))
    return events


def feed(ticks: BookTicks, events: Iterable[Event]) -> None:
    """One batch."""
    rows: list[Processed] = []
    states = []
    for event in events:
        if isinstance(event, Processed):
            rows.append(event)
        else:
            states.append(event._replace(place=len(rows)))
    ticks.apply(rows, states)


def new_ticks() -> BookTicks:
    return BookTicks(VENUE, SYMBOL, STALE_AFTER_S)


def output(ticks: BookTicks) -> tuple[list[bytes], list[bytes]]:
    return ticks.lines, ticks.windows.lines


def whole(events: Sequence[Event]) -> tuple[list[bytes], list[bytes]]:
    """Ticks and windows from one batch."""
    ticks = new_ticks()
    feed(ticks, events)
    return output(ticks)


def in_batches(
    events: Sequence[Event], size: int, restore: bool, everything: bool = False
) -> tuple[list[bytes], list[bytes]]:
    """Ticks and windows from batches; `restore`: from the journal between two of them; `everything`: from snapshots."""
    ticks, entries = new_ticks(), list[bytes]()
    lines, windows = list[bytes](), list[bytes]()
    for start in range(0, len(events), size):
        feed(ticks, events[start : start + size])
        lines += ticks.lines
        windows += ticks.windows.lines
        ticks.lines, ticks.windows.lines = [], []
        if restore:
            saved = ticks.take_changes(everything)
            entries = [] if everything else entries
            entries += [msgspec.msgpack.encode(saved)] if saved else []
            ticks = new_ticks()
            for entry in entries:
                ticks.restore(msgspec.msgpack.decode(entry, type=TickChanges))
    return lines, windows


def with_timers(events: Sequence[Event], delays: Sequence[int], every_ms: int = 500) -> tuple[list[bytes], list[bytes]]:
    """Ticks and windows when each event arrives after a delay, and a timer fires all the time."""
    ticks, clock = new_ticks(), QuietClock()
    timer = arrived = events[0].event_time
    for event, delay in zip(events, delays, strict=True):
        arrived = max(arrived, event.event_time + delay)
        while timer < arrived:
            ticks.poll(timer, clock)
            timer += every_ms
        feed(ticks, [event])
    return output(ticks)


def ticks_of(lines: Iterable[bytes]) -> list[BookTick]:
    return [msgspec.json.decode(line, type=BookTick) for line in lines]


def windows_of(lines: Iterable[bytes]) -> list[Window]:
    return [msgspec.json.decode(line, type=Window) for line in lines]
