"""Sums over an interval of a book's time; sums of consecutive intervals combine to those of the whole.

Sums of the updates of one tick come from `fold`; those of seconds and windows from `combine`.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from core.records import Processed

# An update as `fold` takes it: the values of `update_of`.
Update = tuple[int, float | None, float | None, float | None, float | None, float, float, float | None, float | None]
Extent = tuple[float | None, float | None, float | None, float | None, float, int]
NO_EXTENT: Extent = (None, None, None, None, 0.0, 0)


def update_of(row: Processed) -> Update:
    """The values of a record that ticks sum. Written out: `attrgetter` takes three times as long."""
    return (
        row.event_time,
        row.imbalance,
        row.weighted_imbalance,
        row.spread,
        row.spread_bps,
        row.bid_depth,
        row.ask_depth,
        row.ofi,
        row.microprice,
    )


class Carried(Struct, array_like=True, frozen=True, gc=False):
    """Values that apply until the next update. None: the book is out of sync or one-sided, or has no update yet.

    `bid_depth`, `ask_depth`: of the last update since the last loss of the book, None without one. `lost`: the state
    is not synced.
    """

    imbalance: float | None = None
    spread: float | None = None
    bid_depth: float | None = None
    ask_depth: float | None = None
    lost: bool = False


class Sums(Struct, array_like=True, frozen=True, gc=False):
    """Sums of an interval; fields as in BookTick (`market/orderbook/tick_records.py`). `ticks`: number of ticks."""

    ticks: int = 0
    updates: int = 0
    late: int = 0
    imbalance_open: float | None = None
    imbalance_high: float | None = None
    imbalance_low: float | None = None
    imbalance_close: float | None = None
    imbalance_sum: float = 0.0
    imbalance_count: int = 0
    weighted_open: float | None = None
    weighted_high: float | None = None
    weighted_low: float | None = None
    weighted_close: float | None = None
    weighted_sum: float = 0.0
    weighted_count: int = 0
    spread_bps_sum: float = 0.0
    spread_bps_count: int = 0
    bid_depth_sum: float = 0.0
    ask_depth_sum: float = 0.0
    ofi_sum: float = 0.0
    ofi_count: int = 0
    microprice_last: float | None = None
    valid_ms: int = 0
    out_of_sync_ms: int = 0
    imbalance_integral: float = 0.0
    spread_integral: float = 0.0


class Fold(Struct, frozen=True, gc=False):
    """Updates of one tick: their sums, and what only the tick has. `carried`: the values after the last one."""

    sums: Sums
    one_sided: bool
    spread_bps: Extent
    bid_low: float | None
    bid_high: float | None
    ask_low: float | None
    ask_high: float | None
    bid_jump: float
    ask_jump: float
    carried: Carried


NOTHING = Sums()
NO_UPDATES = Fold(NOTHING, False, NO_EXTENT, None, None, None, None, 0.0, 0.0, Carried())


def fold(updates: Sequence[Update], late: int, start: int, end: int, before: Carried) -> Fold:
    """Sums of the updates of a tick. An update applies from its time, or that of an earlier one if that is later.

    `start`: time from which the integrals reach to `end`; `before` applies up to the first update. One long loop: a
    pass for each figure takes three times as long, and with ten updates a second nearly every one is a tick.
    """
    imbalance_open = imbalance_high = imbalance_low = imbalance_close = None
    weighted_open = weighted_high = weighted_low = weighted_close = None
    bps_open = bps_high = bps_low = bps_close = microprice_last = None
    imbalance_sum = weighted_sum = bps_sum = ofi_sum = bid_sum = ask_sum = 0.0
    imbalance_count = weighted_count = bps_count = ofi_count = 0
    bid_up = bid_down = ask_up = ask_down = 0.0
    bid_low = bid_high = updates[0][5]
    ask_low = ask_high = updates[0][6]
    last_bid = bid_low if before.bid_depth is None else before.bid_depth
    last_ask = ask_low if before.ask_depth is None else before.ask_depth
    one_sided = False
    valid_ms, imbalance_integral, spread_integral = 0, 0.0, 0.0
    at = first = max(start, updates[0][0])
    imbalance = spread = None
    for time, next_imbalance, weighted, next_spread, bps, bid, ask, ofi, microprice in updates:
        if time > at:
            if spread is not None and imbalance is not None:
                ms = time - at
                valid_ms += ms
                imbalance_integral += ms * imbalance
                spread_integral += ms * spread
            at = time
        imbalance, spread = next_imbalance, next_spread
        if imbalance is not None:
            imbalance_close = imbalance
            imbalance_sum += imbalance
            imbalance_count += 1
            if imbalance_high is None or imbalance_low is None:
                imbalance_open = imbalance_high = imbalance_low = imbalance
            elif imbalance > imbalance_high:
                imbalance_high = imbalance
            elif imbalance < imbalance_low:
                imbalance_low = imbalance
        if weighted is not None:
            weighted_close = weighted
            weighted_sum += weighted
            weighted_count += 1
            if weighted_high is None or weighted_low is None:
                weighted_open = weighted_high = weighted_low = weighted
            elif weighted > weighted_high:
                weighted_high = weighted
            elif weighted < weighted_low:
                weighted_low = weighted
        if bps is not None:
            bps_close = bps
            bps_sum += bps
            bps_count += 1
            if bps_high is None or bps_low is None:
                bps_open = bps_high = bps_low = bps
            elif bps > bps_high:
                bps_high = bps
            elif bps < bps_low:
                bps_low = bps
        if spread is None:
            one_sided = True
        if ofi is not None:
            ofi_sum += ofi
            ofi_count += 1
        if microprice is not None:
            microprice_last = microprice
        bid_sum += bid
        if bid > bid_high:
            bid_high = bid
        elif bid < bid_low:
            bid_low = bid
        change = bid - last_bid
        if change > bid_up:
            bid_up = change
        elif change < bid_down:
            bid_down = change
        last_bid = bid
        ask_sum += ask
        if ask > ask_high:
            ask_high = ask
        elif ask < ask_low:
            ask_low = ask
        change = ask - last_ask
        if change > ask_up:
            ask_up = change
        elif change < ask_down:
            ask_down = change
        last_ask = ask
    if end > at and spread is not None and imbalance is not None:
        ms = end - at
        valid_ms += ms
        imbalance_integral += ms * imbalance
        spread_integral += ms * spread
    out_of_sync_ms, before_ms = 0, first - start
    if before_ms and before.imbalance is not None and before.spread is not None:
        valid_ms += before_ms
        imbalance_integral += before_ms * before.imbalance
        spread_integral += before_ms * before.spread
    elif before.lost:
        out_of_sync_ms = before_ms
    sums = Sums(
        1,
        len(updates),
        late,
        imbalance_open,
        imbalance_high,
        imbalance_low,
        imbalance_close,
        imbalance_sum,
        imbalance_count,
        weighted_open,
        weighted_high,
        weighted_low,
        weighted_close,
        weighted_sum,
        weighted_count,
        bps_sum,
        bps_count,
        bid_sum,
        ask_sum,
        ofi_sum,
        ofi_count,
        microprice_last,
        valid_ms,
        out_of_sync_ms,
        imbalance_integral,
        spread_integral,
    )
    return Fold(
        sums,
        one_sided,
        (bps_open, bps_high, bps_low, bps_close, bps_sum, bps_count),
        bid_low,
        bid_high,
        ask_low,
        ask_high,
        bid_up if bid_up >= -bid_down else bid_down,
        ask_up if ask_up >= -ask_down else ask_down,
        Carried(None if spread is None else imbalance, spread, last_bid, last_ask),
    )


def combine(parts: Sequence[Sums]) -> Sums:
    """Sums of consecutive intervals, in their order. Most intervals of a quiet book have no update."""
    if len(parts) == 1:
        return parts[0]
    ticks = late = valid_ms = out_of_sync_ms = 0
    imbalance_integral = spread_integral = 0.0
    for part in parts:
        ticks += part.ticks
        late += part.late
        valid_ms += part.valid_ms
        out_of_sync_ms += part.out_of_sync_ms
        imbalance_integral += part.imbalance_integral
        spread_integral += part.spread_integral
    updated = [part for part in parts if part.updates] or [NOTHING]
    return replace(
        updated[0] if len(updated) == 1 else _combine_updates(updated),
        ticks=ticks,
        late=late,
        valid_ms=valid_ms,
        out_of_sync_ms=out_of_sync_ms,
        imbalance_integral=imbalance_integral,
        spread_integral=spread_integral,
    )


def _combine_updates(parts: Sequence[Sums]) -> Sums:
    """Sums of the updates of consecutive intervals, without ticks, late records and time."""
    updates = imbalance_count = weighted_count = spread_bps_count = ofi_count = 0
    imbalance_sum = weighted_sum = spread_bps_sum = bid_depth_sum = ask_depth_sum = ofi_sum = 0.0
    for part in parts:
        updates += part.updates
        imbalance_sum += part.imbalance_sum
        imbalance_count += part.imbalance_count
        weighted_sum += part.weighted_sum
        weighted_count += part.weighted_count
        spread_bps_sum += part.spread_bps_sum
        spread_bps_count += part.spread_bps_count
        bid_depth_sum += part.bid_depth_sum
        ask_depth_sum += part.ask_depth_sum
        ofi_sum += part.ofi_sum
        ofi_count += part.ofi_count
    return Sums(
        0,
        updates,
        0,
        first([part.imbalance_open for part in parts]),
        largest([part.imbalance_high for part in parts]),
        least([part.imbalance_low for part in parts]),
        last([part.imbalance_close for part in parts]),
        imbalance_sum,
        imbalance_count,
        first([part.weighted_open for part in parts]),
        largest([part.weighted_high for part in parts]),
        least([part.weighted_low for part in parts]),
        last([part.weighted_close for part in parts]),
        weighted_sum,
        weighted_count,
        spread_bps_sum,
        spread_bps_count,
        bid_depth_sum,
        ask_depth_sum,
        ofi_sum,
        ofi_count,
        last([part.microprice_last for part in parts]),
    )


def held(carried: Carried, ms: int, ticks: int = 0) -> Sums:
    """Sums of an interval without updates in which these values apply. `ticks`: number of ticks that end in it."""
    if carried.lost:
        return Sums(ticks, out_of_sync_ms=ms)
    if carried.imbalance is None or carried.spread is None:
        return Sums(ticks)
    return Sums(
        ticks,
        valid_ms=ms,
        imbalance_integral=carried.imbalance * ms,
        spread_integral=carried.spread * ms,
    )


def first(values: Sequence[float | None]) -> float | None:
    """The first value that is not None."""
    value = values[0]
    return value if value is not None else next((value for value in values if value is not None), None)


def last(values: Sequence[float | None]) -> float | None:
    """The last value that is not None."""
    value = values[-1]
    return value if value is not None else next((value for value in reversed(values) if value is not None), None)


def largest(values: Sequence[Any]) -> float | None:
    """The largest value that is not None."""
    try:
        return max(values)  # type: ignore[no-any-return]
    except TypeError:
        return max((value for value in values if value is not None), default=None)


def least(values: Sequence[Any]) -> float | None:
    """The least value that is not None."""
    try:
        return min(values)  # type: ignore[no-any-return]
    except TypeError:
        return min((value for value in values if value is not None), default=None)
