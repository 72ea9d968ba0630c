"""Sums over an interval of a book's time; sums of consecutive intervals combine to those of the whole.

Sums of the updates of one tick come from `fold`; those of seconds and windows from `combine`.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import attrgetter, mul, sub
from typing import Any, NamedTuple

from core.records import Processed

# An update as `fold` takes it: the values of `update_of`.
Update = tuple[int, float | None, float | None, float | None, float | None, float, float, float | None, float | None]
update_of: Callable[[Processed], Update] = attrgetter(
    *("event_time", "imbalance", "weighted_imbalance", "spread", "spread_bps"),
    *("bid_depth", "ask_depth", "ofi", "microprice"),
)
Extent = tuple[float | None, float | None, float | None, float | None, float, int]
NO_EXTENT: Extent = (None, None, None, None, 0.0, 0)


class Carried(NamedTuple):
    """Values that apply until the next update. None: the book is out of sync or one-sided, or has no update yet.

    `bid_depth`, `ask_depth`: of the last update since the last loss of the book, None without one. `lost`: the state
    is not synced.
    """

    imbalance: float | None = None
    spread: float | None = None
    bid_depth: float | None = None
    ask_depth: float | None = None
    lost: bool = False


class Sums(NamedTuple):
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


class Fold(NamedTuple):
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

    `start`: time from which the integrals reach to `end`; `before` applies up to the first update.
    """
    times, imbalances, weighted, spreads, spreads_bps, bids, asks, flows, microprices = zip(*updates, strict=True)
    durations = list(map(sub, (*times[1:], end), times))
    if times[0] < start or min(durations) < 0:  # rarely: not in order
        times = tuple(accumulate(times, max, initial=start))[1:]
        durations = list(map(sub, (*times[1:], end), times))
    one_sided = None in spreads
    if one_sided:
        applied = [each for each in zip(durations, imbalances, spreads, strict=True) if each[2] is not None]
        valid_ms = sum([ms for ms, _, _ in applied])
        imbalance_integral = sum([ms * value for ms, value, _ in applied], 0.0)
        spread_integral = sum([ms * value for ms, _, value in applied], 0.0)
    else:
        valid_ms = end - times[0]
        imbalance_integral = sum(map(mul, durations, imbalances))
        spread_integral = sum(map(mul, durations, spreads))
    out_of_sync_ms, before_ms = 0, times[0] - start
    if before_ms and before.imbalance is not None and before.spread is not None:
        valid_ms += before_ms
        imbalance_integral += before_ms * before.imbalance
        spread_integral += before_ms * before.spread
    elif before.lost:
        out_of_sync_ms = before_ms
    ofi_sum, ofi_count = total(flows)
    bps = extent(spreads_bps)
    sums = Sums(
        1,
        len(updates),
        late,
        *extent(imbalances),
        *extent(weighted),
        bps[4],
        bps[5],
        sum(bids),
        sum(asks),
        ofi_sum,
        ofi_count,
        last(microprices),
        valid_ms,
        out_of_sync_ms,
        imbalance_integral,
        spread_integral,
    )
    spread = spreads[-1]
    return Fold(
        sums,
        one_sided,
        bps,
        min(bids),
        max(bids),
        min(asks),
        max(asks),
        jump(before.bid_depth, bids),
        jump(before.ask_depth, asks),
        Carried(None if spread is None else imbalances[-1], spread, bids[-1], asks[-1]),
    )


def combine(parts: Sequence[Sums]) -> Sums:
    """Sums of consecutive intervals, in their order."""
    if len(parts) == 1:
        return parts[0]
    (
        ticks, updates, late,
        imbalance_open, imbalance_high, imbalance_low, imbalance_close, imbalance_sum, imbalance_count,
        weighted_open, weighted_high, weighted_low, weighted_close, weighted_sum, weighted_count,
        spread_bps_sum, spread_bps_count, bid_depth_sum, ask_depth_sum, ofi_sum, ofi_count, microprice,
        valid_ms, out_of_sync_ms, imbalance_integral, spread_integral,
    ) = zip(*parts, strict=True)  # fmt: skip
    return Sums(
        sum(ticks),
        sum(updates),
        sum(late),
        first(imbalance_open),
        largest(imbalance_high),
        least(imbalance_low),
        last(imbalance_close),
        sum(imbalance_sum),
        sum(imbalance_count),
        first(weighted_open),
        largest(weighted_high),
        least(weighted_low),
        last(weighted_close),
        sum(weighted_sum),
        sum(weighted_count),
        sum(spread_bps_sum),
        sum(spread_bps_count),
        sum(bid_depth_sum),
        sum(ask_depth_sum),
        sum(ofi_sum),
        sum(ofi_count),
        last(microprice),
        sum(valid_ms),
        sum(out_of_sync_ms),
        sum(imbalance_integral),
        sum(spread_integral),
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


def extent(values: Sequence[Any]) -> Extent:
    """Open, high, low, close, sum and count of the values that are not None."""
    try:
        return values[0], max(values), min(values), values[-1], sum(values), len(values)
    except TypeError:
        known = [value for value in values if value is not None]
        return extent(known) if known else NO_EXTENT


def total(values: Sequence[Any]) -> tuple[float, int]:
    """Sum and count of the values that are not None."""
    try:
        return float(sum(values)), len(values)
    except TypeError:
        known = [value for value in values if value is not None]
        return sum(known, 0.0), len(known)


def jump(before: float | None, values: Sequence[float]) -> float:
    """The largest change from one value to the next, signed; `before`: the value before the first."""
    changes: list[float] = list(map(sub, values[1:], values) if before is None else map(sub, values, (before, *values)))
    if not changes:
        return 0.0
    up, down = max(changes), min(changes)
    return up if up >= -down else down


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
